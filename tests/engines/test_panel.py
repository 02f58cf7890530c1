"""The panel: every seat answered by its own engine, under one ledger and one limit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from magdi_cli.core.errors import AccessProblem, UsageProblem
from magdi_cli.core.gate import Gate
from magdi_cli.core.protocols import Completion, Engine
from magdi_cli.engines.lanes import Lanes, parse_limits
from magdi_cli.engines.meter import Meter
from magdi_cli.engines.panel import Desk, EngineName, engine_name, open_panel, open_student
from magdi_cli.engines.purse import Purse
from magdi_cli.engines.recorded import CallLedger, open_ledger
from magdi_cli.engines.teachers import parse_teachers
from magdi_cli.engines.weights import ResolvedModel
from tests import tiny_student
from tests.engines.requests import ask
from tests.engines.servers import playing, refuses, says, says_after
from tests.reports import Heard

T = TypeVar("T")


def desk(ledger: CallLedger, concurrency: int = 16) -> Desk:
    """What the seats of a panel share, with nothing spent and no cap."""
    gate = Gate()
    meter = Meter()
    lanes = Lanes(parse_limits(str(concurrency), "", "", []), gate, meter)
    return Desk(lanes=lanes, purse=Purse(gate=gate), ledger=ledger, meter=meter, report=Heard())


def at_the_table(
    teachers: str,
    path: Path,
    work: Callable[[Mapping[str, Engine]], Awaitable[T]],
    *,
    concurrency: int = 16,
    seed: int = 0,
) -> T:
    """What comes of work with an open panel."""

    async def meet() -> T:
        with open_ledger(path, report=Heard()) as ledger:
            async with open_panel(
                parse_teachers(teachers), desk(ledger, concurrency), seed=seed, timeout=20.0, max_retries=0
            ) as panel:
                return await work(panel)

    return asyncio.run(meet())


def test_every_seat_has_an_engine_in_the_order_given(tmp_path: Path) -> None:
    async def names(panel: Mapping[str, Engine]) -> list[str]:
        return list(panel)

    assert at_the_table("ada=sim,sim,sim", tmp_path / "calls.jsonl", names) == ["ada", "sim#1", "sim#2"]


def test_a_seat_samples_as_it_was_told_to(tmp_path: Path) -> None:
    with playing(says("hello")) as server:
        seats = f"a=hosted_vllm/m?api_base={server.api_base}&temperature=0.1&max_tokens=5"
        seats += f",b=hosted_vllm/m?api_base={server.api_base}"

        async def both(panel: Mapping[str, Engine]) -> None:
            for engine in panel.values():
                await engine.generate(ask(temperature=0.9, max_tokens=77))

        at_the_table(seats, tmp_path / "calls.jsonl", both)

    assert [(body["temperature"], body["max_tokens"]) for body in server.bodies] == [(0.1, 5), (0.9, 77)]


def test_two_seats_of_one_model_are_told_apart_by_index_alone(tmp_path: Path) -> None:
    with playing(says("hello")) as server:
        seat = f"hosted_vllm/m?api_base={server.api_base}"

        async def speak(panel: Mapping[str, Engine]) -> int:
            first, second = panel.values()
            await first.generate(ask(index=0))
            await second.generate(ask(index=0))
            await second.generate(ask(index=1))
            return len({engine.model for engine in panel.values()})

        assert at_the_table(f"{seat},{seat}", tmp_path / "calls.jsonl", speak) == 1

    assert len(server.bodies) == 2


def test_no_more_calls_than_allowed_are_under_way_over_all_seats(tmp_path: Path) -> None:
    with playing(says_after(0.05, "hello")) as server:
        seats = f"hosted_vllm/a?api_base={server.api_base},hosted_vllm/b?api_base={server.api_base}"

        async def crowd(panel: Mapping[str, Engine]) -> list[Completion]:
            calls = [engine.generate(ask(index=index)) for engine in panel.values() for index in range(8)]
            return await asyncio.gather(*calls)

        completions = at_the_table(seats, tmp_path / "calls.jsonl", crowd, concurrency=3)

    assert len(completions) == len(server.bodies) == 16
    assert 2 <= server.most <= 3


def test_a_second_meeting_repeats_no_call(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with playing(says("hello")) as server:
        seats = f"hosted_vllm/m?api_base={server.api_base},sim"

        async def speak(panel: Mapping[str, Engine]) -> list[Completion]:
            return [await engine.generate(ask()) for engine in panel.values()]

        assert at_the_table(seats, path, speak) == at_the_table(seats, path, speak)

    assert len(server.bodies) == 1


def test_another_seed_is_another_simulated_teacher(tmp_path: Path) -> None:
    async def model(panel: Mapping[str, Engine]) -> str:
        return panel["sim#1"].model

    path = tmp_path / "calls.jsonl"
    assert at_the_table("sim,sim", path, model) != at_the_table("sim,sim", path, model, seed=1)


def test_a_teacher_nobody_may_call_ends_the_meeting(tmp_path: Path) -> None:
    with playing(refuses(401, "who are you?")) as server:
        seats = f"hosted_vllm/m?api_base={server.api_base},sim"

        async def speak(panel: Mapping[str, Engine]) -> Completion:
            return await panel["hosted_vllm/m"].generate(ask())

        with pytest.raises(AccessProblem, match=r"who are you\?"):
            at_the_table(seats, tmp_path / "calls.jsonl", speak)


def student(model: ResolvedModel, engine: EngineName, adapter: Path | None = None) -> Completion:
    async def answer() -> Completion:
        async with open_student(
            model,
            adapter=adapter,
            engine=engine,
            seed=0,
            max_tokens=4,
        ) as opened:
            return await opened.generate(ask(max_tokens=4))

    return asyncio.run(answer())


def test_a_student_runs_in_transformers_where_asked(tmp_path: Path) -> None:
    folder = str(tiny_student.build(tmp_path))

    assert student(ResolvedModel(path=folder, hub_id=folder), "transformers").error is None


def test_a_student_may_be_behind_an_api() -> None:
    with playing(says("hello")) as server:
        name = f"hosted_vllm/m?api_base={server.api_base}"
        completion = student(ResolvedModel(path=name, hub_id=name), "api")

    assert completion.replies[0].text == "hello"


def test_an_api_takes_no_adapter_and_no_hub_model(tmp_path: Path) -> None:
    model = ResolvedModel(path="x", hub_id="hosted_vllm/m?api_base=http://127.0.0.1:1/v1")
    with pytest.raises(UsageProblem, match="an API cannot load the adapter"):
        student(model, "api", adapter=tmp_path)
    with pytest.raises(UsageProblem, match="no teacher named"):
        student(ResolvedModel(path="x", hub_id="nobody/small"), "api")


def test_auto_is_one_of_the_engines_that_are_here() -> None:
    assert engine_name("auto") in ("vllm", "transformers")
    assert engine_name("transformers") == "transformers"
