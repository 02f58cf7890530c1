"""`magdi debate` against a provider that fails in every way it can: nothing is lost, mixed up or paid twice."""

import json
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from magdi_cli.core.debate import Debate
from magdi_cli.core.records import read_records
from tests.commands import MAGDI, clean, magdi
from tests.engines.servers import complains_of, hangs, playing, refuses, says, says_after
from tests.faults import FAULTS, WRITINGS, FaultServer, Poison, Prompt, failing, prompt_of

PROBLEMS = 200
SEATS = MappingProxyType({"ann": 0.1, "bob": 0.2, "cem": 0.3})
REFUSED, BROKEN = refuses(400, "this question is against our rules"), refuses(500, "out of order")
POISON = MappingProxyType(
    {
        "7": Poison(act=REFUSED),
        "23": Poison(act=REFUSED, seats=(0.2,), opening_only=True),
        "71": Poison(act=BROKEN),
        "90": Poison(act=BROKEN, seats=(0.1, 0.3)),
    }
)
DOOMED = {("7", name, number) for name in SEATS for number in (0, 1)}
DOOMED |= {("71", name, number) for name in SEATS for number in (0, 1)}
DOOMED |= {("90", name, number) for name in ("ann", "cem") for number in (0, 1)} | {("23", "bob", 0)}
"""The turns that cannot but fail: token, seat, round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A run that nobody disturbs, and the server it is held with."""

    home: Path
    server: FaultServer
    process: subprocess.Popen[str]

    @property
    def debates(self) -> list[Debate]:
        return list(read_records(self.home / "debates/debates.jsonl", Debate))


@pytest.fixture(scope="module", autouse=True)
def under_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """The run, begun before all tests: it waits most of its time, the others may run meanwhile."""
    folder = tmp_path_factory.mktemp("faults")
    with failing(POISON) as server, start(folder, *command(server.api_base, "--limit", "0")) as process:
        yield Held(home=folder / "runs/default", server=server, process=process)
        process.kill()


@pytest.fixture(scope="module")
def held(under_way: Held) -> Held:
    """The run when it is over."""
    _, said = under_way.process.communicate()
    assert under_way.process.returncode == 0, said
    return under_way


def command(api_base: str, *more: str) -> list[str]:
    seats = (f"{name}=hosted_vllm/toy?api_base={api_base}&temperature={warm}" for name, warm in SEATS.items())
    protocol = "--rounds 1 --stop never --fail-on-error 1 --concurrency 4-32 --max-retries 3 --timeout 5"
    return ["debate", "mine.jsonl", "--teachers", ",".join(seats), *protocol.split(), *more]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command in a folder with problems whose question carries a token that tells whose reply a reply is."""
    rows = [
        {"id": f"q{n}", "question": f"What is {n} + {n}? [token-{n}]", "answer": str(2 * n)} for n in range(PROBLEMS)
    ]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return subprocess.Popen(
        [*MAGDI, *arguments], cwd=folder, env=clean(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def wait_for_lines(process: subprocess.Popen[str], path: Path, count: int) -> None:
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)


def records(path: Path) -> list[dict]:
    """The whole lines of a file."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def prompt_in(call: dict) -> Prompt:
    return prompt_of(call["messages"], call["sampling"]["temperature"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_calls_under_way_finish_and_a_second_writer_harms_nothing(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    calls = tmp_path / "runs/default/debates/calls.jsonl"
    with playing(says_after(0.5, "The answer is 4.")) as server:
        arguments = command(server.api_base, "--timeout", "60", "--limit", "0")
        process = start(tmp_path, *arguments)
        wait_for_lines(process, calls, 4)
        refused = magdi(*arguments, cwd=tmp_path, code=3)
        assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate()
    assert "error: another magdi is writing runs/default/debates; wait for it" in refused.stderr
    assert process.returncode == code
    assert "nothing is lost; resume with: magdi debate mine.jsonl --teachers" in said
    assert len(server.bodies) == len(records(calls)) == calls.read_bytes().count(b"\n")


def test_ctrl_c_twice_ends_at_once_although_nobody_answers(tmp_path: Path) -> None:
    with playing(hangs) as server:
        process = start(tmp_path, *command(server.api_base, "--timeout", "600", "--limit", "0"))
        while not server.bodies:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert any("once more stops at once" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "resume with: magdi debate" in said


def test_a_parameter_that_a_model_refuses_is_one_warning_and_in_every_call(tmp_path: Path) -> None:
    answers = says(json.dumps({"reasoning": "so it is", "answer": "4", "confidence_level": 0.8}))
    with playing(complains_of({"temperature": "'temperature' is not supported"}, answers)) as server:
        process = start(tmp_path, *command(server.api_base, "--limit", "10"))
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert [line for line in said.splitlines() if line.startswith("warning: ")] == [
        "warning: hosted_vllm/toy refuses temperature; its calls are made without"
    ]
    calls = records(tmp_path / "runs/default/debates/calls.jsonl")
    assert len(calls) == 60
    assert all(call["completion"]["dropped"] == ["temperature"] for call in calls)


def test_every_fault_there_is_was_met(held: Held) -> None:
    assert set(held.server.played) == {"poison", *FAULTS, *WRITINGS}
    assert sum(held.server.played.values()) > len(held.server.asked) / 5


def test_every_problem_is_accounted_for(held: Held) -> None:
    debates = held.debates
    assert [debate.problem.id for debate in debates] == [f"q{n}" for n in range(PROBLEMS)]
    for debate in debates:
        seats = [(turn.agent, turn.round) for turn in debate.turns]
        assert seats == [(name, number) for number in (0, 1) for name in SEATS]
        assert all(bool(turn.text) == (turn.error is None) for turn in debate.turns)


def test_only_what_no_attempt_gets_past_fails(held: Held) -> None:
    failed = {
        (debate.problem.id.removeprefix("q"), turn.agent, turn.round)
        for debate in held.debates
        for turn in debate.turns
        if turn.error is not None
    }
    assert failed == DOOMED
    errors = {turn.error for debate in held.debates for turn in debate.turns if turn.error is not None}
    assert errors == {"this question is against our rules", "out of order (tried 4 times)"}


def test_no_reply_strays_into_a_foreign_record(held: Held) -> None:
    for debate in held.debates:
        token = f"[token-{debate.problem.id.removeprefix('q')}]"
        for turn in debate.turns:
            assert turn.error or set(re.findall(r"\[token-\d+\]", turn.text)) == {token}
    for call in records(held.home / "debates/calls.jsonl"):
        token = f"[token-{call['problem'].removeprefix('q')}]"
        texts = [message["content"] for message in call["messages"]] + [call["completion"]["replies"][0]["text"]]
        assert set(re.findall(r"\[token-\d+\]", " ".join(texts))) == {token}
        assert token in texts[0]
        assert token in texts[-1]


def test_nobody_is_shown_a_failed_turn(held: Held) -> None:
    for debate in held.debates:
        spoken = tuple(i for i, turn in enumerate(debate.turns[:3]) if turn.error is None)
        assert [turn.parents for turn in debate.turns] == [()] * 3 + [spoken] * 3


def test_every_answer_is_kept_once(held: Held) -> None:
    kept = Counter(prompt_in(call) for call in records(held.home / "debates/calls.jsonl"))
    assert set(kept.values()) == {1}
    assert set(kept) == set(held.server.answered)


def test_an_unreadable_reply_is_asked_for_once_more(held: Held) -> None:
    """Once, and the second try is part of the turn's usage."""
    again = Counter(
        (call["problem"], call["agent"], call["round"]) for call in records(held.home / "debates/calls.jsonl")
    )
    assert set(again.values()) == {1, 2}
    for debate in held.debates:
        for turn in debate.turns:
            calls = again[debate.problem.id, turn.agent, turn.round]
            assert turn.usage.completion_tokens == 2 * calls
            assert turn.answer is not None or calls == (0 if turn.error else 2)


def said_in(debates: Path) -> list[dict]:
    """The debates without what depends on the number of tries."""
    rows = records(debates)
    for turn in (turn for row in rows for turn in row["turns"]):
        del turn["usage"]["calls"], turn["usage"]["seconds"]
    return rows


def tear(path: Path) -> dict:
    """The last record of a file, of which some bytes are now missing."""
    last = records(path)[-1]
    with path.open("rb+") as handle:
        handle.truncate(path.read_bytes().rindex(b"\n") - 8)
    return last


def test_a_run_killed_three_times_ends_as_if_undisturbed(held: Held, tmp_path: Path) -> None:
    debates, calls = (tmp_path / "runs/default/debates" / name for name in ("debates.jsonl", "calls.jsonl"))
    paid: set[Prompt] = set()
    with failing(POISON) as server:
        arguments = command(server.api_base, "--limit", "40")
        for count in sorted(random.Random(5).sample(range(30, 230), 3)):
            process, before = start(tmp_path, *arguments), len(server.asked)
            wait_for_lines(process, calls, count)
            process.kill()
            process.communicate()
            assert not paid & {question.prompt for question in server.asked[before:]}
            paid |= {prompt_in(call) for call in records(calls)}
        paid.remove(prompt_in(tear(calls)))
        tear(debates)
        before = len(server.asked)
        done = magdi(*arguments, cwd=tmp_path)
        assert not paid & {question.prompt for question in server.asked[before:]}
    assert re.search(r"warning: \S*calls.jsonl: the last line was torn", done.stderr)
    assert re.search(r"warning: \S*debates.jsonl: dropped a torn last line", done.stderr)
    assert set(Counter(prompt_in(call) for call in records(calls)).values()) == {1}
    assert said_in(debates) == said_in(held.home / "debates/debates.jsonl")[:40]
