"""Teachers and students, opened: every seat an engine, every model once, everything closed in the end."""

import importlib.util
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from magdi_cli.core.errors import EnvironmentProblem, UsageProblem
from magdi_cli.core.protocols import Completion, Engine, Report, Request
from magdi_cli.engines.api import open_api
from magdi_cli.engines.lanes import Lanes
from magdi_cli.engines.meter import Meter
from magdi_cli.engines.preflight import preflight
from magdi_cli.engines.prices import Price
from magdi_cli.engines.pricing import price_of
from magdi_cli.engines.purse import Purse
from magdi_cli.engines.recorded import CallLedger, Recorded
from magdi_cli.engines.retry import Retry
from magdi_cli.engines.simulated import SimulatedTeacher
from magdi_cli.engines.teachers import SIMULATED, Teacher, parse_seat
from magdi_cli.engines.turnstile import Passing, Turnstile
from magdi_cli.engines.weights import ResolvedModel, resolve_model

EngineName = Literal["auto", "vllm", "transformers", "api"]

STUDENT_SECONDS = 600.0
"""To wait for a reply of an API's student: all problems are asked at once, and a small server takes them in turn."""

Source = tuple[str, str, str | None, str | None, Price | None]
"""What tells two engines apart: kind, model, address, the seat of a simulated teacher, and the user's price."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An engine as one teacher samples from it."""

    engine: Engine
    teacher: Teacher

    @property
    def model(self) -> str:
        """The engine's model."""
        return self.engine.model

    async def generate(self, request: Request) -> Completion:
        """The engine's completion, drawn with the seat's own sampling where it has one."""
        return await self.engine.generate(replace(request, sampling=self.teacher.sampling(request.sampling)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What all seats of a panel share."""

    lanes: Lanes
    purse: Purse
    ledger: CallLedger
    meter: Meter
    report: Report

    def turnstile(self, teacher: Teacher) -> Turnstile:
        """What the calls of a teacher pass."""
        address = teacher.model if teacher.engine == "local" else teacher.api_base or ""
        lane = self.lanes.lane(provider_of(teacher), address)
        return Turnstile(lane=lane, purse=self.purse, price=price_of(teacher))


@asynccontextmanager
async def open_panel(
    teachers: Sequence[Teacher], desk: Desk, *, seed: int, timeout: float, max_retries: int
) -> AsyncIterator[Mapping[str, Engine]]:
    """The engine of every seat, by name: recorded in the ledger, its calls through the turnstile of its provider."""
    retry = Retry(retries=max_retries)
    share = 1 / max(1, len({teacher.model for teacher in teachers if teacher.engine == "local"}))
    engines: dict[Source, Engine] = {}
    panel: dict[str, Engine] = {}
    async with AsyncExitStack() as stack:
        for teacher in teachers:
            source = _source(teacher)
            if source not in engines:
                opening = _open_teacher(teacher, desk, seed, timeout=timeout, retry=retry, share=share)
                opened = await stack.enter_async_context(opening)
                engines[source] = Recorded(opened, desk.ledger, desk.meter)
            panel[teacher.name] = Seat(engines[source], teacher)
        yield panel


@asynccontextmanager
async def open_student(
    model: ResolvedModel,
    *,
    adapter: Path | None,
    engine: EngineName,
    seed: int,
    max_tokens: int,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncIterator[Engine]:
    """The engine of a student or of any one model; ask much at once, it batches inside.

    `settings` are vLLM's own, for its engine.
    """
    chosen = engine_name(engine)
    if chosen == "api":
        opening = _open_api_student(model, adapter)
    elif chosen == "vllm":
        opening = _open_vllm_student(model, adapter, seed=seed, max_tokens=max_tokens, settings=settings)
    else:
        from magdi_cli.engines.hf import open_transformers

        opening = open_transformers(model.path, adapter=adapter, seed=seed, max_tokens=max_tokens)
    async with opening as opened:
        yield opened


@asynccontextmanager
async def _open_vllm_student(
    model: ResolvedModel, adapter: Path | None, *, seed: int, max_tokens: int, settings: Mapping[str, Any]
) -> AsyncIterator[Engine]:
    """VLLM with the adapter on a GPU; on a CPU, where adapters are slow, with the adapter merged into the model."""
    from magdi_cli.engines.merged import computes_on_cpu, merged
    from magdi_cli.engines.vllm import open_vllm

    with ExitStack() as stack:
        path = model.path
        if adapter is not None and computes_on_cpu():
            path, adapter = stack.enter_context(merged(path, adapter)), None
        async with open_vllm(path, adapter=adapter, seed=seed, max_tokens=max_tokens, settings=settings) as engine:
            yield engine


def provider_of(teacher: Teacher) -> str:
    """Who is asked: the provider litellm routes to, `local` or `sim`."""
    match teacher.engine:
        case "api":
            return teacher.model.partition("/")[0]
        case "local":
            return "local"
        case "simulated":
            return SIMULATED


def _source(teacher: Teacher) -> Source:
    return (
        teacher.engine,
        teacher.model,
        teacher.api_base,
        teacher.name if teacher.engine == "simulated" else None,
        teacher.price,
    )


@asynccontextmanager
async def _open_teacher(
    teacher: Teacher, desk: Desk, seed: int, *, timeout: float, retry: Retry, share: float
) -> AsyncIterator[Engine]:
    turnstile = desk.turnstile(teacher)
    serve = partial(open_api, timeout=timeout, retry=retry, turnstile=turnstile, warn=desk.report.warn)
    if teacher.engine == "simulated":
        yield Passing(SimulatedTeacher(seat=teacher.name, seed=seed, **teacher.behaviour), turnstile)
    elif teacher.engine == "local":
        from magdi_cli.engines.local_server import open_local

        model = resolve_model(teacher.model)
        async with open_local(model, serve, seed=seed, share=share, report=desk.report) as engine:
            yield engine
    else:
        async with serve(teacher.model, api_base=teacher.api_base) as engine:
            yield engine


def _open_api_student(model: ResolvedModel, adapter: Path | None) -> AbstractAsyncContextManager[Engine]:
    if adapter is not None:
        raise UsageProblem(
            f"an API cannot load the adapter {adapter}; use --engine vllm, or serve it with "
            "vllm --lora-modules and name it: --student 'hosted_vllm/NAME?api_base=http://HOST:PORT/v1'"
        )
    teacher = parse_seat(model.hub_id)
    if teacher.engine != "api":
        raise UsageProblem(f"--engine api cannot run {model.hub_id}; name a PROVIDER/MODEL, or use --engine vllm")
    preflight([teacher])
    return open_api(teacher.model, api_base=teacher.api_base, timeout=STUDENT_SECONDS)


def engine_name(engine: EngineName) -> EngineName:
    """What `auto` stands for on this machine; any other name as it is, if it can run here."""
    installed = importlib.util.find_spec("vllm") is not None
    if engine == "auto":
        return "vllm" if installed else "transformers"
    if engine == "vllm" and not installed:
        raise EnvironmentProblem(
            "vLLM is not installed; pip install 'magdi-cli[cpu]' or 'magdi-cli[gpu]', or use --engine transformers"
        )
    return engine
