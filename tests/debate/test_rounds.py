"""The round table, with seats whose replies are written down."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from magdi_cli.core.debate import Debate
from magdi_cli.core.problem import Answer
from magdi_cli.core.protocols import Completion, Message, Sampling
from magdi_cli.core.usage import Usage
from magdi_cli.debate.aggregate import Aggregate
from magdi_cli.debate.demos import Demo
from magdi_cli.debate.prompts import Templates
from magdi_cli.debate.rounds import RoundTable, Seat
from magdi_cli.engines.scripted import ScriptedEngine
from tests.strategies import problem


def reply(answer: str | None, confidence: float = 0.8, reasoning: str = "because") -> str:
    return json.dumps({"reasoning": reasoning, "answer": answer, "confidence_level": confidence})


def hold(*seats: Sequence[str | Completion], rounds: int = 3, **protocol: Any) -> tuple[Debate, list[ScriptedEngine]]:
    engines = [ScriptedEngine(replies) for replies in seats]
    table = RoundTable(
        seats=tuple(
            Seat(name=name, engine=engine, sampling=Sampling(), persona=f"You are {name}." if name == "h" else "")
            for name, engine in zip("abcdefgh", engines, strict=False)
        ),
        templates=Templates.packaged(),
        rounds=rounds,
        **protocol,
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


def test_a_reply_without_a_readable_answer_is_asked_for_once_more_and_both_are_paid() -> None:
    debate, engines = hold([reply(None, reasoning="hm"), reply("4", reasoning="four")], [reply("4")], rounds=0)
    first, again = engines[0].calls
    assert [message.role for message in again.messages] == ["user", "assistant", "user"]
    assert again.messages[:2] == (*first.messages, Message(role="assistant", content=reply(None, reasoning="hm")))
    assert (debate.turns[0].text, debate.turns[0].answer, debate.turns[0].usage.calls) == ("four", "4", 2)
    assert debate.stopped == "agreement"


def test_a_second_ask_that_fails_is_a_failed_call_to_be_made_up_for() -> None:
    debate, _ = hold([reply(None), Completion(error="500", usage=Usage(calls=7))], [reply("4")], rounds=0)
    assert (debate.turns[0].error, debate.turns[0].usage.calls) == ("500", 8)


def test_equal_prompts_in_two_rounds_are_two_calls() -> None:
    _, engines = hold([Completion(error="500")] * 2, [Completion(error="500")] * 2, rounds=1)
    first, second = engines[0].calls
    assert first.messages == second.messages
    assert first.index != second.index
    assert len({call.index for engine in engines for call in engine.calls}) == 2


def test_a_second_unreadable_reply_leaves_the_first() -> None:
    debate, engines = hold([reply(None, reasoning="first"), reply(None)], [reply("4")], rounds=0)
    assert (debate.turns[0].text, debate.turns[0].answer, debate.turns[0].error) == ("first", None, None)
    assert len(engines[0].calls) == 2


def test_an_unreadable_answer_prevents_agreement_and_has_no_vote() -> None:
    debate, _ = hold([reply(None)] * 2, [reply("4")], rounds=0)
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
    asyncio.run(RoundTable(seats=seats, rounds=0, templates=Templates.packaged()).debate(problem()))
    first, second = engine.calls
    assert first.messages == second.messages
    assert (first.index, second.index) == (0, 1)


def test_in_a_ring_each_seat_hears_itself_and_its_neighbours() -> None:
    debate, engines = hold(*[[reply(str(n))] * 2 for n in range(5)], rounds=1, topology="ring")
    heard = [turn.parents for turn in debate.turns[5:]]
    assert heard == [(0, 1, 4), (0, 1, 2), (1, 2, 3), (2, 3, 4), (0, 3, 4)]
    prompt = engines[0].calls[1].messages[0].content
    assert "gives the answer 1:" in prompt
    assert "gives the answer 4:" in prompt
    assert "gives the answer 2:" not in prompt


def test_in_a_star_all_hear_the_first_seat_and_it_hears_all() -> None:
    debate, _ = hold(*[[reply(str(n))] * 2 for n in range(4)], rounds=1, topology="star")
    assert [turn.parents for turn in debate.turns[4:]] == [(0, 1, 2, 3), (0, 1), (0, 2), (0, 3)]


def test_a_stable_debate_ends_before_its_last_round() -> None:
    debate, engines = hold([reply("4")] * 4, [reply("4")] * 4, [reply("5")] * 4, stop="stable", rounds=3)
    assert (debate.stopped, debate.answer) == ("stable", "4")
    assert [len(engine.calls) for engine in engines] == [2, 2, 2]


def test_a_majority_of_heads_may_differ_from_the_confident() -> None:
    seats = [[reply("4", 0.1)], [reply("4", 0.1)], [reply("5", 1.0)]]
    assert hold(*seats, rounds=0)[0].answer == "5"
    assert hold(*seats, rounds=0, aggregate=Aggregate(kind="majority"))[0].answer == "4"


def test_a_judge_hears_the_whole_last_round_and_speaks_last_alone() -> None:
    debate, engines = hold(
        [reply("4")], [reply("5"), reply("6")], [reply("7")], rounds=0, aggregate=Aggregate(kind="judge", judge="b")
    )
    verdict = debate.turns[-1]
    assert (verdict.agent, verdict.round, verdict.parents, verdict.answer) == ("b", 1, (0, 1, 2), "6")
    assert debate.answer == "6"
    assert "You decide" in engines[1].calls[-1].messages[0].content
    assert [len(engine.calls) for engine in engines] == [1, 2, 1]


def test_nobody_judges_where_all_agree() -> None:
    debate, engines = hold([reply("4")], [reply("4")], aggregate=Aggregate(kind="judge", judge="a"))
    assert (debate.answer, len(debate.turns)) == ("4", 2)
    assert len(engines[0].calls) == 1


def test_a_judge_who_fails_leaves_the_vote() -> None:
    judge = Aggregate(kind="judge", judge="a")
    debate, _ = hold([reply("4", 0.3), Completion(error="500")], [reply("5", 0.9)], rounds=0, aggregate=judge)
    assert (debate.answer, debate.turns[-1].error) == ("5", "500")


def test_worked_examples_stand_before_the_question_and_not_before_the_seat_they_convinced() -> None:
    shown = Demo(
        problem=replace(problem(), question="One and one?", gold=Answer("2"), meta={"rationale": "WHY"}), seat="b"
    )
    _, engines = hold([reply("4")], [reply("4")], rounds=0, demos=(shown,))
    prompts = [engine.calls[0].messages[0].content for engine in engines]
    assert prompts[0].index("WHY") < prompts[0].index(problem().question)
    assert "WHY" not in prompts[1]


def test_a_persona_is_the_system_message_of_all_a_seats_prompts() -> None:
    _, engines = hold(*[[reply(str(n))] * 2 for n in range(8)], rounds=1)
    assert [call.messages[0] for call in engines[7].calls] == [Message(role="system", content="You are h.")] * 2
    assert [message.role for message in engines[0].calls[0].messages] == ["user"]


def test_every_call_names_its_templates_and_its_deadline() -> None:
    _, engines = hold([reply("4")], [reply("4")], deadline_seconds=60.0)
    (call,) = engines[0].calls
    assert call.prompts == Templates.packaged().fingerprint
    assert call.deadline is not None
