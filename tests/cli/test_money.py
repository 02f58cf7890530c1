"""`--max-cost` in real processes: never a cent above the cap, nothing lost, nothing paid twice."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands import magdi
from tests.engines.servers import hangs, playing, says
from tests.loopback import Server, serving

PROBLEMS = 8
CALLS = PROBLEMS * 2 * 2
A_CALL = (10 * 1000 + 5 * 2000) / 1e6
"""Dollars of the server's 10 and 5 tokens at `?price=1000:2000`."""


def answering(prompt: str) -> str:
    return json.dumps({"reasoning": "so", "answer": str(len(prompt) % 3), "confidence_level": 0.8})


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(answering, seconds=0.02) as server:
        yield server


def problems(folder: Path) -> None:
    rows = [{"id": f"q{n}", "question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(PROBLEMS)]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def seat(name: str, server: Any, more: str = "price=1000:2000") -> str:
    return f"{name}=hosted_vllm/toy?api_base={server.api_base}&{more}"


def command(*seats: str, more: Sequence[str] = ()) -> list[str]:
    fixed = ["--rounds", "1", "--stop", "never", "--max-tokens", "50", "--concurrency", "8"]
    return ["debate", "mine.jsonl", "--teachers", ",".join(seats), *fixed, *more]


def capped(server: Server, cap: float | None, *more: str) -> list[str]:
    return command(
        seat("a", server), seat("b", server), more=[*more, *(["--max-cost", str(cap)] if cap is not None else [])]
    )


def calls(folder: Path) -> list[dict[str, Any]]:
    path = folder / "debates/calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def cost(folder: Path) -> float:
    return sum(call["completion"]["usage"]["cost_usd"] for call in calls(folder))


def debates(folder: Path) -> list[str]:
    lines = (folder / "debates/debates.jsonl").read_text().splitlines()
    return [json.loads(line)["problem"]["id"] for line in lines]


def complete(folder: Path) -> list[str]:
    """The problems all of whose calls were answered, in order."""
    answered = Counter(call["problem"] for call in calls(folder))
    return [name for name in (f"q{n}" for n in range(PROBLEMS)) if answered[name] == 4]


def refused_cap(said: str) -> tuple[float, float, float]:
    """Spent, cap and the next call's worst case, as the message names them."""
    match = re.search(r"error: \$([\d.]+) of --max-cost \$([\d.]+) are spent .* may cost \$([\d.]+); raise --max", said)
    assert match, said
    return float(match[1]), float(match[2]), float(match[3])


def test_at_the_cap_what_runs_is_finished_and_a_higher_cap_goes_on_for_the_rest(tmp_path: Path, server: Server) -> None:
    problems(tmp_path)
    magdi(*capped(server, None, "--run-dir", "undisturbed"), cwd=tmp_path)
    assert cost(tmp_path / "undisturbed") == pytest.approx(CALLS * A_CALL)
    server.prompts.clear()

    run, spent_so_far = tmp_path / "run", 0.0
    for cap in (1.0, 1.1, 1.25):
        done = magdi(*capped(server, cap, "--run-dir", "run"), cwd=tmp_path, code=6)
        spent, named, worst = refused_cap(done.stderr)
        assert (named, spent) == (cap, pytest.approx(cost(run), abs=1e-4))
        assert spent_so_far <= cost(run) <= cap < cost(run) + worst
        assert f"--max-cost {cap}" in done.stderr.partition("resume with: magdi debate mine.jsonl")[2]
        assert len(server.prompts) == len(calls(run))
        assert debates(run) == complete(run)
        spent_so_far = cost(run)
    assert 0 < len(calls(run)) < CALLS

    done = magdi(*capped(server, 10, "--run-dir", "run", "--json"), cwd=tmp_path)
    assert len(server.prompts) == len(calls(run)) == CALLS
    assert cost(run) == pytest.approx(CALLS * A_CALL)
    assert json.loads(done.stdout)["usage"]["cost_usd"] == pytest.approx(CALLS * A_CALL)
    assert {call["key"] for call in calls(run)} == {call["key"] for call in calls(tmp_path / "undisturbed")}
    assert len({call["key"] for call in calls(run)}) == CALLS


def test_a_cap_below_the_first_worst_case_makes_no_call(tmp_path: Path, server: Server) -> None:
    problems(tmp_path)
    done = magdi(*capped(server, 0.05), cwd=tmp_path, code=6)
    assert refused_cap(done.stderr)[:2] == (0.0, 0.05)
    assert server.prompts == []
    assert calls(tmp_path / "runs/default") == []


def test_a_cap_of_nothing_lets_calls_that_cost_nothing_through(tmp_path: Path, server: Server) -> None:
    problems(tmp_path)
    free = command(seat("a", server, "price=0:0"), seat("b", server, "temperature=0.5"), more=["--max-cost", "0"])
    magdi(*free, cwd=tmp_path)
    assert cost(tmp_path / "runs/default") == 0


def test_a_cap_needs_a_price_for_every_seat(tmp_path: Path) -> None:
    problems(tmp_path)
    unknown = command("a=hosted_vllm/toy?api_base=https://far.example/v1", "b=sim", more=["--max-cost", "1"])
    done = magdi(*unknown, cwd=tmp_path, code=2)
    assert "--max-cost needs a price for a;" in done.stderr
    assert "a?price=2.5:10" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_call_that_breaks_off_counts_with_its_worst_case(tmp_path: Path, server: Server) -> None:
    problems(tmp_path)
    with playing(hangs) as hanging:
        seats = seat("a", server), seat("b", hanging)
        more = ["--limit", "1", "--rounds", "0", "--timeout", "4", "--max-retries", "0", "--fail-on-error", "1"]
        done = magdi(*command(*seats, more=[*more, "--max-cost", "10", "--json"]), cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert len(hanging.bodies) == 1
    worst = summary["unsettled_usd"]
    # 50 tokens of reply, and a prompt of no more tokens than it has bytes
    assert worst > 50 * 2000 / 1e6
    assert summary["usage"]["cost_usd"] == pytest.approx(A_CALL)
    with playing(hangs) as hanging:
        seats = seat("a", server), seat("b", hanging)
        cap = ["--max-cost", str(A_CALL + worst * 1.5), "--run-dir", "capped"]
        more = ["--limit", "1", "--rounds", "0", "--timeout", "4", "--max-retries", "5", "--fail-on-error", "1"]
        done = magdi(*command(*seats, more=[*more, *cap]), cwd=tmp_path, code=6)
        assert len(hanging.bodies) == 1
    assert refused_cap(done.stderr)[0] == pytest.approx(A_CALL + worst, abs=1e-4)


def test_what_failed_calls_cost_counts_towards_the_cap_of_the_next_sitting(tmp_path: Path, server: Server) -> None:
    problems(tmp_path)
    with playing(says(None, "length", tokens=(10, 50))) as mute:
        seats = seat("a", mute), seat("b", server, "price=0:0")
        more = ["--limit", "1", "--rounds", "0", "--fail-on-error", "1"]
        magdi(*command(*seats, more=[*more, "--max-cost", "1"]), cwd=tmp_path)
        done = magdi(*command(*seats, more=[*more, "--max-cost", "0.12"]), cwd=tmp_path, code=6)
        assert len(mute.bodies) == 1
    assert refused_cap(done.stderr)[0] == pytest.approx((10 * 1000 + 50 * 2000) / 1e6)
    answered = {call["agent"]: call["completion"]["error"] is None for call in calls(tmp_path / "runs/default")}
    assert answered == {"a": False, "b": True}


def test_two_seats_of_one_model_are_paid_by_their_own_prices(tmp_path: Path, server: Server) -> None:
    problems(tmp_path)
    seats = seat("a", server, "price=1000:2000"), seat("b", server, "price=3:7")
    summary = json.loads(magdi(*command(*seats, more=["--json"]), cwd=tmp_path).stdout)
    prices = {"a": A_CALL, "b": (10 * 3 + 5 * 7) / 1e6}
    recorded = (tmp_path / "runs/default/debates/debates.jsonl").read_text().splitlines()
    turns = [turn for line in recorded for turn in json.loads(line)["turns"]]
    assert len(turns) == CALLS
    for turn in turns:
        assert turn["usage"]["cost_usd"] == prices[turn["agent"]]
    assert {each["agent"]: each["cost_usd"] for each in summary["calls"]} == pytest.approx(
        {name: price * CALLS / 2 for name, price in prices.items()}
    )


def test_a_simulated_teacher_with_a_price_is_paid_like_a_real_one(tmp_path: Path) -> None:
    sim = ["debate", "--task", "arithmetic", "--teachers", "a=sim?price=1000:2000,b=sim", "--max-tokens", "60"]
    done = magdi(*sim, "--limit", "10", "--max-cost", "2", cwd=tmp_path, code=6)
    run = tmp_path / "runs/default"
    assert 0 < cost(run) <= 2
    assert refused_cap(done.stderr)[0] == pytest.approx(cost(run), abs=1e-4)
    for call in calls(run):
        usage = call["completion"]["usage"]
        paid = (usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 2000) / 1e6
        assert usage["cost_usd"] == (pytest.approx(paid) if call["agent"] == "a" else 0)
