"""The ledger: no answered call is ever made twice, whatever happens in between."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.protocols import Completion, Request
from magdi_cli.core.usage import Usage
from magdi_cli.engines.recorded import CallLedger, Recorded, call_key, open_ledger
from magdi_cli.engines.scripted import ScriptedEngine
from tests.engines.requests import ask
from tests.reports import Heard


def answers(engine: ScriptedEngine, path: Path, *requests: Request) -> list[Completion]:
    """What a recorded engine says to requests made one after the other."""

    async def converse() -> list[Completion]:
        with open_ledger(path, report=Heard()) as ledger:
            return [await Recorded(engine, ledger).generate(request) for request in requests]

    return asyncio.run(converse())


def test_an_answered_call_is_replayed_with_its_usage(tmp_path: Path) -> None:
    first, second = ScriptedEngine(["the answer is 5"]), ScriptedEngine(["something else"])

    before = answers(first, tmp_path / "calls.jsonl", ask())
    after = answers(second, tmp_path / "calls.jsonl", ask())

    assert before == after
    assert after[0].usage.calls == 1
    assert second.calls == []


def test_a_failure_is_not_an_answer(tmp_path: Path) -> None:
    engine = ScriptedEngine([Completion(error="down"), "up"])

    failed, answered = answers(engine, tmp_path / "calls.jsonl", ask(), ask())

    assert failed.error == "down"
    assert answered.replies[0].text == "up"


def test_what_a_failure_cost_is_remembered_though_it_answers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    dear = Completion(error="cut off", usage=Usage(calls=2, cost_usd=0.3))

    answers(ScriptedEngine([dear]), path, ask())
    with open_ledger(path, report=Heard()) as ledger:
        assert (ledger.spent, len(ledger)) == (0.3, 0)
    (answered,) = answers(ScriptedEngine(["up"]), path, ask())

    assert answered.replies[0].text == "up"
    with open_ledger(path, report=Heard()) as ledger:
        assert (ledger.spent, len(ledger)) == (0.3, 1)


@pytest.mark.parametrize(
    "other", [ask("Why?"), ask(temperature=0.5), ask(max_tokens=3), ask(n=2), ask(index=1), ask(top_p=0.5)]
)
def test_whatever_a_model_sees_tells_calls_apart(other: Request) -> None:
    assert call_key("m", ask()) != call_key("m", other)
    assert call_key("m", ask()) != call_key("n", ask())


@given(st.integers(0, 3), st.text(max_size=5))
def test_what_a_model_does_not_see_does_not(round: int, agent: str) -> None:
    assert call_key("m", ask()) == call_key("m", replace(ask(), round=round, agent=agent))


def test_a_temperature_of_one_is_one_however_written() -> None:
    assert call_key("m", ask(temperature=1)) == call_key("m", ask(temperature=1.0))


def test_the_same_call_asked_twice_at_once_is_made_once(tmp_path: Path) -> None:
    class Slow(ScriptedEngine):
        async def generate(self, request: Request) -> Completion:
            await asyncio.sleep(0.01)
            return await super().generate(request)

    engine = Slow(["once", "twice"])

    async def ask_at_once() -> list[Completion]:
        with open_ledger(tmp_path / "calls.jsonl", report=Heard()) as ledger:
            recorded = Recorded(engine, ledger)
            return await asyncio.gather(*(recorded.generate(ask()) for _ in range(5)))

    assert {completion.replies[0].text for completion in asyncio.run(ask_at_once())} == {"once"}
    assert len(engine.calls) == 1


def test_engines_share_a_ledger_without_sharing_answers(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"

    assert answers(ScriptedEngine(["a"], model="a"), path, ask())[0].replies[0].text == "a"
    assert answers(ScriptedEngine(["b"], model="b"), path, ask())[0].replies[0].text == "b"


def test_a_torn_last_line_costs_one_call_and_is_said(tmp_path: Path) -> None:
    path, report = tmp_path / "calls.jsonl", Heard()
    answers(ScriptedEngine(["one", "two"]), path, ask("1"), ask("2"))
    path.write_bytes(path.read_bytes()[:-10])

    with open_ledger(path, report=report) as ledger:
        assert len(ledger) == 1
    assert len(report.warnings) == 1

    engine = ScriptedEngine(["two again"])
    replies = answers(engine, path, ask("1"), ask("2"))
    assert [completion.replies[0].text for completion in replies] == ["one", "two again"]


def test_a_line_that_is_no_call_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    answers(ScriptedEngine(["one"]), path, ask())
    with path.open("a") as handle:
        handle.write('{"schema": "something/1"}\n')

    with pytest.raises(DataProblem, match=r"calls\.jsonl:2: "):
        CallLedger(path)


def test_an_engine_that_was_interrupted_leaves_no_lock_behind(tmp_path: Path) -> None:
    class Hanging(ScriptedEngine):
        async def generate(self, request: Request) -> Completion:
            await asyncio.sleep(3600)
            return await super().generate(request)

    async def interrupt_then_ask() -> Completion:
        with open_ledger(tmp_path / "calls.jsonl", report=Heard()) as ledger:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(Recorded(Hanging([]), ledger).generate(ask()), 0.01)
            return await Recorded(ScriptedEngine(["here"]), ledger).generate(ask())

    assert asyncio.run(interrupt_then_ask()).replies[0].text == "here"


KILLED_AFTER_THREE = """
import asyncio, os, signal, sys
from pathlib import Path
from magdi_cli.engines.recorded import CallLedger, Recorded
from magdi_cli.engines.scripted import ScriptedEngine
from tests.engines.requests import ask

def reply(request):
    if request.index == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"reply {request.index}"

async def main():
    engine = Recorded(ScriptedEngine(reply), CallLedger(Path(sys.argv[1])))
    for index in range(5):
        await engine.generate(ask(index=index))

asyncio.run(main())
"""


def test_a_process_killed_between_calls_paid_for_none_twice(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    killed = subprocess.run([sys.executable, "-c", KILLED_AFTER_THREE, str(path)], check=False)
    assert killed.returncode == -9

    engine = ScriptedEngine(lambda request: f"reply {request.index}")
    replies = answers(engine, path, *(ask(index=index) for index in range(5)))

    assert [request.index for request in engine.calls] == [3, 4]
    assert [completion.replies[0].text for completion in replies] == [f"reply {index}" for index in range(5)]
