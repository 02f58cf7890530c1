"""Other settings on an old run: refused with the keys that differ, or forked, what still matches being reused."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.commands import MAGDI, clean, magdi
from tests.loopback import Server, serving

PROBLEMS = 8
A_CALL = (10 * 1000 + 5 * 2000) / 1e6
"""Dollars of a server's 10 and 5 tokens at `?price=1000:2000`."""


class Servers(NamedTuple):
    """Two that answer differently, so that whoever moves from one to the other changes what the peers hear."""

    one: Server
    other: Server


def says(reasoning: str) -> Any:
    return lambda prompt: json.dumps({"reasoning": reasoning, "answer": str(len(prompt) % 3), "confidence_level": 0.8})


@pytest.fixture(scope="module")
def both() -> Iterator[Servers]:
    with serving(says("one"), seconds=0.02) as one, serving(says("other"), seconds=0.02) as other:
        yield Servers(one, other)


def command(a: Server, b: Server, *more: str, run: str = "old") -> list[str]:
    seats = ",".join(
        f"{name}=hosted_vllm/toy?api_base={server.api_base}&price=1000:2000" for name, server in (("a", a), ("b", b))
    )
    fixed = ["--rounds", "1", "--stop", "never", "--concurrency", "4", "--max-tokens", "50"]
    return ["debate", "mine.jsonl", "--teachers", seats, *fixed, "--run-dir", run, *more]


@pytest.fixture(scope="module")
def held(both: Servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an `old` run, both of its seats at the one server."""
    folder = tmp_path_factory.mktemp("held")
    rows = [{"id": f"q{n}", "question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(PROBLEMS)]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    magdi(*command(both.one, both.one), cwd=folder)
    assert len(both.one.prompts) == 4 * PROBLEMS
    return folder


@pytest.fixture
def folder(held: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(held, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def servers(both: Servers, folder: Path) -> Servers:
    """Both servers, not yet asked anything."""
    for server in both:
        server.prompts.clear()
    return both


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def calls(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "debates/calls.jsonl").read_text().splitlines()]


def reused(run: Path) -> list[tuple[str, int]]:
    """Seat and round of the calls that the old run paid for."""
    return sorted((call["agent"], call["round"]) for call in calls(run) if call["reused"])


@pytest.mark.parametrize(
    ("other", "key"),
    [
        (["--temperature", "0.1"], "temperature: 0.7 there, 0.1 here"),
        (["--seed", "1"], "seed: 0 there, 1 here"),
        (["--max-tokens", "60"], "max_tokens: 50 there, 60 here"),
        (["--prompts", "mine"], "prompts: "),
        (["--teachers", "a=sim,b=sim"], "seats.a.engine: 'api' there, 'simulated' here"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_other_settings_are_refused_by_name(folder: Path, servers: Servers, other: list[str], key: str) -> None:
    (folder / "mine").mkdir()
    (folder / "mine/again.j2").write_text("What is your answer?")
    before = snapshot(folder / "old")
    done = magdi(*command(servers.one, servers.one, *other), cwd=folder, code=3)
    assert "was written with other settings" in done.stderr
    assert key in done.stderr
    assert "--fork NEWDIR" in done.stderr
    assert servers.one.prompts == []
    assert snapshot(folder / "old") == before


def test_the_same_seats_in_another_order_are_another_panel(tmp_path: Path) -> None:
    debate = ["debate", "--task", "arithmetic", "--limit", "1", "--topology", "star", "--teachers"]
    magdi(*debate, "a=sim,b=sim", cwd=tmp_path)
    done = magdi(*debate, "b=sim,a=sim", cwd=tmp_path, code=3)
    assert "other settings (order: ['a', 'b'] there, ['b', 'a'] here)" in done.stderr


def test_a_fork_with_one_seat_changed_reuses_the_opening_of_the_others(folder: Path, servers: Servers) -> None:
    before = snapshot(folder / "old")
    # the eight reused openings cost nothing, so the cap only has to hold for the rest
    cap = str(3 * PROBLEMS * A_CALL + 1)
    forked = command(servers.one, servers.other, "--fork", "new", "--max-cost", cap, "--json")
    done = magdi(*forked, cwd=folder)

    assert (len(servers.one.prompts), len(servers.other.prompts)) == (PROBLEMS, 2 * PROBLEMS)
    assert len(calls(folder / "new")) == 4 * PROBLEMS
    assert reused(folder / "new") == [("a", 0)] * PROBLEMS
    assert json.loads(done.stdout)["reused_calls"] == PROBLEMS
    assert snapshot(folder / "old") == before

    again = magdi(*forked, cwd=folder)
    assert f"all {PROBLEMS} debates are in" in again.stderr
    assert len(servers.one.prompts) == PROBLEMS


def test_reused_calls_do_not_count_towards_the_cap(folder: Path, servers: Servers) -> None:
    fork = command(servers.one, servers.other, "--fork", "new")
    magdi(*fork, "--max-cost", "0.3", cwd=folder, code=6)
    paid = sum(call["completion"]["usage"]["cost_usd"] for call in calls(folder / "new") if not call["reused"])
    assert len(reused(folder / "new")) > 0
    assert paid <= 0.3
    magdi(*fork, "--max-cost", str(3 * PROBLEMS * A_CALL + 1), cwd=folder)
    assert len(calls(folder / "new")) == 4 * PROBLEMS
    assert (len(servers.one.prompts), len(servers.other.prompts)) == (PROBLEMS, 2 * PROBLEMS)


def test_a_killed_fork_goes_on_where_it_stopped(folder: Path, servers: Servers) -> None:
    before = snapshot(folder / "old")
    fork = command(servers.one, servers.other, "--fork", "new")
    process = subprocess.Popen([*MAGDI, *fork], cwd=folder, env=clean(), stderr=subprocess.DEVNULL)
    written = folder / "new/debates/calls.jsonl"
    while not written.exists() or written.read_bytes().count(b"\n") < 12:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -9
    kept = {call["key"] for call in map(json.loads, written.read_bytes().splitlines(keepends=True)[:12])}

    magdi(*fork, cwd=folder)
    keys = [call["key"] for call in calls(folder / "new")]
    assert kept <= set(keys)
    assert len(keys) == len(set(keys)) == 4 * PROBLEMS
    assert reused(folder / "new") == [("a", 0)] * PROBLEMS
    # at most the four calls under way when it was killed are made twice
    assert PROBLEMS <= len(servers.one.prompts) <= PROBLEMS + 4
    assert snapshot(folder / "old") == before


@pytest.mark.parametrize(
    ("run", "fork", "code", "said"),
    [
        ("old", "old", 2, "--fork old is the run directory itself; name a new one"),
        ("old", "./old/../old", 2, "is the run directory itself; name a new one"),
        ("none", "new", 3, "no calls in none/debates/calls.jsonl; --run-dir names the run to fork from"),
    ],
)
def test_a_fork_needs_an_old_run_and_a_new_folder(
    folder: Path, servers: Servers, run: str, fork: str, code: int, said: str
) -> None:
    before = snapshot(folder)
    done = magdi(*command(servers.one, servers.other, "--fork", fork, run=run), cwd=folder, code=code)
    assert said in done.stderr
    assert servers.one.prompts == servers.other.prompts == []
    assert snapshot(folder) == before


def test_a_torn_last_line_of_the_old_run_is_passed_over_and_left_as_it_is(folder: Path, servers: Servers) -> None:
    old = folder / "old/debates/calls.jsonl"
    lines = old.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if json.loads(line)["agent"] == "a" and json.loads(line)["round"] == 0)
    old.write_bytes(b"".join([*lines[:last], *lines[last + 1 :], lines[last][:-20]]))
    before = snapshot(folder / "old")

    magdi(*command(servers.one, servers.other, "--fork", "new"), cwd=folder)
    assert reused(folder / "new") == [("a", 0)] * (PROBLEMS - 1)
    assert len(servers.one.prompts) == PROBLEMS + 1
    assert snapshot(folder / "old") == before
