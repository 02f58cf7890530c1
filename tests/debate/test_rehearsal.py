"""The forecast beside what debates then really used.

A simulated teacher counts words as its tokens, the rehearsal counts as a tokenizer does. Once habits are known the
rehearsal counts like the teacher, so calls, tokens and money can all be compared; without them only calls can.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.config import DebateConfig
from magdi_cli.core.protocols import Completion, Message, Reply, Sampling
from magdi_cli.core.records import read_records, write_records
from magdi_cli.core.usage import Usage
from magdi_cli.debate.forecast import DebateForecast, Scenario
from magdi_cli.debate.habits import ENOUGH_TO_KNOW, REPLY_TOKENS, habits_of
from magdi_cli.debate.stage import DebateSummary, run
from magdi_cli.engines.recorded import Call
from tests.files import snapshot
from tests.reports import Heard

DEBATES = 6
PRICED = "a=sim?accuracy=0.9&price=100:200,b=sim?accuracy=0.7&price=10:20,c=sim?accuracy=0.6&price=1:2"


def settings(folder: Path, **also: Any) -> DebateConfig:
    fields: dict[str, Any] = {"run_dir": folder, "task": "arithmetic", "teachers": PRICED, "limit": DEBATES} | also
    return DebateConfig(**fields)


def rehearsed(folder: Path, **also: Any) -> tuple[DebateForecast, Heard]:
    report = Heard()
    found = run(settings(folder, **({"dry_run": True} | also)), report, lambda _: None)
    assert isinstance(found, DebateForecast)
    return found, report


def held(folder: Path, **also: Any) -> Usage:
    summary = run(settings(folder, **also), Heard(), lambda _: None)
    assert isinstance(summary, DebateSummary)
    return summary.usage


def expected(folder: Path, **also: Any) -> Scenario:
    return rehearsed(folder, **also)[0].totals[1]


PROTOCOLS = {
    "until they agree": {},
    "all rounds": {"stop": "never", "rounds": 2},
    "until it is settled, judged": {"stop": "stable", "aggregate": "judge:b"},
    "in a ring": {"topology": "ring", "rounds": 1, "teachers": f"{PRICED},d=sim?price=5:5,e=sim?price=5:5"},
}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_thirty_debates_tell_what_the_next_two_hundred_cost(tmp_path: Path, protocol: dict[str, Any]) -> None:
    before = held(tmp_path, limit=30, **protocol)
    found, _ = rehearsed(tmp_path, limit=230, **protocol)
    after = held(tmp_path, limit=230, **protocol)

    assert found.debates == 200
    real = [late - early for late, early in zip(amounts(after), amounts(before), strict=True)]
    low, usual, ceiling = ((each.calls, each.tokens, each.cost_usd) for each in found.totals)
    assert usual == pytest.approx(real, rel=0.15)
    for least, amount, most in zip(low, real, ceiling, strict=True):
        assert (least or 0.0) <= amount <= (most or 0.0)


def amounts(usage: Usage) -> tuple[float, float, float]:
    return usage.calls, usage.prompt_tokens + usage.completion_tokens, usage.cost_usd or 0.0


def test_without_habits_calls_lie_between_low_and_ceiling(tmp_path: Path) -> None:
    low, _, ceiling = rehearsed(tmp_path)[0].totals
    assert low.calls <= held(tmp_path).calls <= ceiling.calls


def test_prompts_grow_by_the_replies_of_the_peers(tmp_path: Path) -> None:
    found, _ = rehearsed(tmp_path)
    opening, *discussed = (each.prompt_tokens / each.calls for each in found.rounds)
    for prompt in discussed:
        # its own last reply and those of two peers, templates around them
        assert 3 * REPLY_TOKENS * 0.9 <= prompt - opening <= 3 * REPLY_TOKENS * 1.5


def test_who_hears_fewer_peers_reads_less(tmp_path: Path) -> None:
    five = ",".join(f"{name}=sim?price=1:1" for name in "abcde")
    costs = {
        topology: expected(tmp_path, teachers=five, topology=topology).cost_usd or 0.0
        for topology in ("full", "ring", "star")
    }
    assert costs["star"] < costs["ring"] < costs["full"]


def test_a_judge_is_one_call_more_where_they_disagree(tmp_path: Path) -> None:
    calls = {
        (aggregate, stop): expected(tmp_path, aggregate=aggregate, stop=stop, rounds=1).calls
        for aggregate in ("majority", "judge:b")
        for stop in ("never", "agreement")
    }
    assert calls["judge:b", "never"] - calls["majority", "never"] == DEBATES
    assert 0 < calls["judge:b", "agreement"] - calls["majority", "agreement"] < DEBATES


def test_never_stopping_early_is_known_beforehand(tmp_path: Path) -> None:
    found, _ = rehearsed(tmp_path, stop="never", rounds=2)
    assert [each.calls for each in found.totals[:2]] == [DEBATES * 3 * 3] * 2
    assert "every debate uses all rounds" in found.totals[1].assumed


def test_a_price_that_nobody_knows_is_said_and_left_out(tmp_path: Path) -> None:
    dear = "a=sim?price=10:10,b=hosted_vllm/toy?api_base=https://far.example/v1"
    found, report = rehearsed(tmp_path, teachers=dear)
    assert found.price_unknown == ("b",)
    assert [seat.expected_usd is None for seat in found.seats] == [False, True]
    assert found.totals[1].cost_usd == found.seats[0].expected_usd
    assert "the price of b is unknown" in report.warnings[-1]
    assert report.warnings[-1].endswith("b?price=2.5:10")
    _, report = rehearsed(tmp_path, teachers=dear, max_cost=1.0)
    assert report.warnings[-1].endswith("with --max-cost a real run would end with code 2")


def test_a_cap_below_what_is_expected_is_said(tmp_path: Path) -> None:
    assert "--max-cost $0.01 will probably end the run early" in rehearsed(tmp_path, max_cost=0.01)[1].warnings[-1]
    assert rehearsed(tmp_path, max_cost=1000.0)[1].warnings == []


def test_all_debates_being_held_nothing_is_left_to_pay(tmp_path: Path) -> None:
    held(tmp_path, limit=4)
    found, report = rehearsed(tmp_path, limit=4)
    assert (found.debates, found.rounds) == (0, ())
    assert [(each.calls, each.cost_usd) for each in found.totals] == [(0, 0.0)] * 3
    assert "4 of 4 debates are held already" in report.notes


def test_debates_of_other_settings_neither_count_nor_inform(tmp_path: Path) -> None:
    held(tmp_path, limit=ENOUGH_TO_KNOW)
    before = snapshot(tmp_path)
    found, report = rehearsed(tmp_path, limit=ENOUGH_TO_KNOW, temperature=0.1)
    assert found.debates == ENOUGH_TO_KNOW
    assert found.totals[1].assumed.startswith(f"replies of {REPLY_TOKENS} tokens")
    (warning,) = report.warnings
    assert "would end with code 3" in warning
    assert "temperature: 0.7 there, 0.1 here" in warning
    assert "--fork NEWDIR" in warning
    assert snapshot(tmp_path) == before


def test_in_a_fork_what_still_matches_is_said_to_cost_nothing(tmp_path: Path) -> None:
    held(tmp_path / "old", limit=3)
    found, report = rehearsed(tmp_path / "old", limit=3, temperature=0.1, fork=tmp_path / "new")
    assert found.debates == 3
    assert any("that still match will cost nothing" in note for note in report.notes)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ("abc", "replies as long as those stored"),
        ("a", "replies as long as those stored, of 200 tokens for b, c"),
        ("", "replies of 200 tokens"),
    ],
)
def test_lengths_are_known_for_the_seats_that_have_spoken_enough(tmp_path: Path, known: str, said: str) -> None:
    held(tmp_path, limit=ENOUGH_TO_KNOW)
    path = tmp_path / "debates/calls.jsonl"
    calls = list(read_records(path, Call))
    write_records(path, [call for call in calls if call.agent in known])
    found, _ = rehearsed(tmp_path, limit=ENOUGH_TO_KNOW + 2)
    assert found.totals[1].assumed == f"{said}; debates go on as long as those stored"
    assert {seat.seat for seat in found.seats if seat.reply_tokens == REPLY_TOKENS} == {*"abc"} - {*known}


def turn_of(agent: str, text: str, *, read: int, written: int, again: bool = False) -> Call:
    asked = (Message(role="user", content="word " * 100),)
    if again:
        asked += (Message(role="assistant", content="?"), Message(role="user", content="answer"))
    usage = Usage(calls=1, prompt_tokens=read, completion_tokens=written)
    completion = Completion(replies=(Reply(text=text, completion_tokens=written),), usage=usage)
    return Call(
        key="0" * 64,
        model="m",
        messages=asked,
        sampling=Sampling(),
        index=0,
        agent=agent,
        problem="p",
        round=0,
        completion=completion,
    )


def test_hidden_thoughts_are_paid_but_not_shown_to_peers() -> None:
    thoughts = [turn_of("a", " word" * 50, read=150, written=1000) for _ in range(ENOUGH_TO_KNOW)]
    habit = habits_of(thoughts, [], 3).of("a")
    assert (habit.asks, habit.writes, habit.shows) == (1, 1000, 50)
    assert habit.reads == pytest.approx(1.5, rel=0.02)


def test_a_failure_that_was_paid_for_is_nobodys_habit() -> None:
    failed = replace(turn_of("a", "", read=100, written=1), completion=Completion(error="cut off"))
    assert habits_of([failed] * ENOUGH_TO_KNOW, [], 3).seats == {}


def test_unreadable_replies_are_calls_more() -> None:
    calls = [
        turn_of("a", " word", read=100, written=1, again=again)
        for _ in range(ENOUGH_TO_KNOW)
        for again in (False, True)
    ]
    assert habits_of(calls, [], 3).of("a").asks == 2
