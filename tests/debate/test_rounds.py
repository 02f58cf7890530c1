"""The round table, with seats whose replies are written down."""

import asyncio
import json
from collections.abc import Sequence

from magdi_cli.core.debate import Debate
from magdi_cli.core.protocols import Completion, Sampling
from magdi_cli.debate.rounds import RoundTable, Seat
from magdi_cli.engines.scripted import ScriptedEngine
from tests.strategies import problem


def reply(answer: str | None, confidence: float = 0.8, reasoning: str = "because") -> str:
    return json.dumps({"reasoning": reasoning, "answer": answer, "confidence_level": confidence})


def hold(
    *seats: Sequence[str | Completion], rounds: int = 3, stop: str = "agreement"
) -> tuple[Debate, list[ScriptedEngine]]:
    engines = [ScriptedEngine(replies) for replies in seats]
    table = RoundTable(
        seats=tuple(
            Seat(name=name, engine=engine, sampling=Sampling())
            for name, engine in zip("abcdefgh", engines, strict=False)
        ),
        rounds=rounds,
        stop=stop,  # type: ignore[arg-type]
    )
    return asyncio.run(table.debate(problem())), engines


def test_agreement_ends_a_debate_and_no_further_call_is_made() -> None:
    debate, engines = hold([reply("4")], [reply("4.0")], [reply(" 4 ")])
    assert debate.stopped == "agreement"
    assert debate.answer == "4"
    assert [len(engine.calls) for engine in engines] == [1, 1, 1]


def test_a_full_table_hears_every_turn_of_the_round_before_its_own_included() -> None:
    debate, _ = hold([reply("1")] * 4, [reply("2")] * 4, [reply("3")] * 4)
    assert debate.stopped == "rounds"
    assert len(debate.turns) == 12
    assert sum(len(turn.parents) for turn in debate.turns) == 27
    for turn in debate.turns:
        assert [debate.turns[i].round for i in turn.parents] == [turn.round - 1] * (3 if turn.round else 0)


def test_never_stopping_early_uses_all_rounds() -> None:
    debate, _ = hold([reply("4")] * 3, [reply("4")] * 3, rounds=2, stop="never")
    assert len(debate.turns) == 6
    assert debate.stopped == "agreement"


def test_zero_rounds_are_independent_answers() -> None:
    debate, _ = hold([reply("1")], [reply("2")], rounds=0)
    assert [turn.round for turn in debate.turns] == [0, 0]


def test_a_failed_call_is_a_turn_that_nobody_is_shown_and_that_has_no_vote() -> None:
    failed = Completion(error="timeout after 60 s")
    debate, engines = hold([failed, reply("4")], [reply("5", 0.3), reply("4")], rounds=1)
    first = debate.turns[0]
    assert (first.text, first.answer, first.error) == ("", None, "timeout after 60 s")
    assert [turn.parents for turn in debate.turns] == [(), (), (1,), (1,)]
    assert "timeout" not in engines[1].calls[1].messages[0].content
    assert debate.answer == "4"


def test_an_unreadable_answer_prevents_agreement_and_has_no_vote() -> None:
    debate, _ = hold([reply(None)], [reply("4")], rounds=0)
    assert debate.stopped == "rounds"
    assert debate.answer == "4"


def test_a_table_where_every_call_fails_still_makes_a_record() -> None:
    debate, engines = hold([Completion(error="500")] * 2, [Completion(error="500")] * 2, rounds=1)
    assert debate.answer is None
    assert [turn.error for turn in debate.turns] == ["500"] * 4
    assert engines[0].calls[0].messages == engines[0].calls[1].messages  # nobody was heard: the question again


def test_all_answer_groups_are_shown_and_peers_stay_anonymous() -> None:
    _, engines = hold(
        [reply("1", reasoning="ONE")] * 2,
        [reply("2", reasoning="TWO")] * 2,
        [reply("3", reasoning="THREE")] * 2,
        rounds=1,
    )
    prompt = engines[0].calls[1].messages[0].content
    own, peers = prompt.split("Solutions by others")
    assert "ONE" in own
    assert "ONE" not in peers
    assert "TWO" in peers
    assert "THREE" in peers
    assert "1 other gives the answer 2:" in peers


def test_equal_answers_are_one_group_however_they_are_written() -> None:
    _, engines = hold([reply("1")] * 2, [reply("1,000")] * 2, [reply("1000.0")] * 2, rounds=1)
    assert "2 others give the answer 1000:" in engines[0].calls[1].messages[0].content


def test_two_seats_of_one_model_are_told_apart_by_their_index() -> None:
    engine = ScriptedEngine([reply("1"), reply("2")])
    seats = (
        Seat(name="a", engine=engine, sampling=Sampling()),
        Seat(name="b", engine=engine, sampling=Sampling(), index=1),
    )
    asyncio.run(RoundTable(seats=seats, rounds=0, stop="agreement").debate(problem()))
    first, second = engine.calls
    assert first.messages == second.messages
    assert (first.index, second.index) == (0, 1)
