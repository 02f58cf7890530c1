"""A local model in vLLM, with an optional LoRA adapter; the engine core runs in a child process."""

import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from magdi_cli.core.errors import DataProblem, EnvironmentProblem, MagdiError
from magdi_cli.core.protocols import Completion, Engine, Request
from magdi_cli.core.seeds import seed_for
from magdi_cli.core.usage import Usage
from magdi_cli.engines.chat import no_room, render_chat, reply_to, require_room
from magdi_cli.engines.guard import guarded
from magdi_cli.engines.logfile import last_lines, log_file, output_to
from magdi_cli.engines.vllm_settings import devices_wanted, fewer_devices, set_environment

STOP_SECONDS = 2.0
"""Nothing is under way any more, so nothing is lost by ending an engine that is slow to go."""


@asynccontextmanager
async def open_vllm(
    model_folder: str,
    *,
    adapter: Path | None,
    seed: int,
    max_tokens: int = 1,
    max_model_len: int = -1,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncIterator[Engine]:
    """An engine for a model folder or hub id; its child processes end with it.

    A `max_model_len` of -1 is as much of the model's context as memory holds. `settings` are further arguments
    of vLLM's engine, such as `engine_settings` reads them; they win over magdi's own.
    """
    set_environment()
    with guarded(), log_file("vllm") as log:
        settings = {"max_model_len": max_model_len} | dict(settings)
        llm, seeds_requests = _start(model_folder, log, adapter=adapter, seed=seed, settings=settings)
        try:
            context = int(llm.model_config.max_model_len)
            require_room(model_folder, max_tokens, context)
            yield VllmEngine(
                llm=llm,
                tokenizer=llm.get_tokenizer(),
                context=context,
                name=model_folder,
                adapter=adapter,
                seed=seed,
                seeds_requests=seeds_requests,
            )
        finally:
            llm.shutdown(timeout=STOP_SECONDS)


def _start(
    model_folder: str, log: Path, *, adapter: Path | None, seed: int, settings: Mapping[str, Any]
) -> tuple[Any, bool]:
    """The engine, and whether every request can have its own seed: on a CPU vLLM has one for all."""
    try:
        with output_to(log):
            from magdi_cli.engines.vllm_start import runs_on_cpu, start_llm

            rank = _lora_rank(adapter) if adapter else None
            llm = start_llm(model_folder, seed=seed, lora_rank=rank, settings=settings)
            return llm, not runs_on_cpu()
    except MagdiError:
        raise
    except Exception as error:
        lower = f"lower {fewer_devices(settings)}" if devices_wanted(settings) > 1 else "mend that"
        raise EnvironmentProblem(
            f"vLLM cannot run {model_folder}: {error}\n{last_lines(log)}\n{lower}, or use --engine transformers"
        ) from error


def _lora_rank(adapter: Path) -> int:
    """The smallest rank vLLM can be built for that holds the adapter's."""
    from vllm.config.lora import MaxLoRARanks

    try:
        rank = int(json.loads((adapter / "adapter_config.json").read_bytes())["r"])
    except (OSError, ValueError, KeyError) as error:
        raise DataProblem(f"{adapter} is no adapter folder: {error}") from None
    fitting = [allowed for allowed in get_args(MaxLoRARanks) if allowed >= rank]
    if not fitting:
        raise EnvironmentProblem(f"vLLM cannot load an adapter of rank {rank} ({adapter}); use --engine transformers")
    return int(min(fitting))


@dataclass(frozen=True, kw_only=True, slots=True)
class VllmEngine:
    """One model, started; as many requests at once as there are, vLLM batches them."""

    llm: Any
    tokenizer: Any
    context: int
    """Tokens that prompt and reply share."""
    name: str
    """Folder or hub id."""
    adapter: Path | None
    seed: int
    seeds_requests: bool
    """Whether every request gets its own seed; on a CPU vLLM has one seed for all."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Request ids."""

    @property
    def model(self) -> str:
        """The model with its adapter, and the seed."""
        return f"vllm:{self.name}{f'+{self.adapter}' if self.adapter else ''}#{self.seed}"

    async def generate(self, request: Request) -> Completion:
        """All samples of one request, generated together."""
        started = time.monotonic()
        prompt = render_chat(self.tokenizer, request.messages)
        if len(prompt) >= self.context:
            return Completion(error=no_room(len(prompt), self.context))
        try:
            output = await self._final(prompt, request)
        except Exception as error:
            if self.llm.errored:
                raise EnvironmentProblem(f"vLLM stopped while it ran {self.name}: {error}") from error
            return Completion(error=f"vLLM: {error}")
        replies = tuple(
            reply_to(prompt, self.tokenizer, one.text, len(one.token_ids), truncated=one.finish_reason == "length")
            for one in output.outputs
        )
        usage = Usage(
            calls=1,
            prompt_tokens=len(prompt),
            completion_tokens=sum(reply.completion_tokens for reply in replies),
            seconds=time.monotonic() - started,
        )
        return Completion(replies=replies, usage=usage)

    async def _final(self, prompt: list[int], request: Request) -> Any:
        from vllm import SamplingParams
        from vllm.lora.request import LoRARequest
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            n=request.sampling.n,
            temperature=request.sampling.temperature,
            top_p=request.sampling.top_p,
            max_tokens=min(request.sampling.max_tokens, self.context - len(prompt)),
            output_kind=RequestOutputKind.FINAL_ONLY,
            seed=self._seed_of(request),
        )
        lora = LoRARequest("adapter", 1, str(self.adapter)) if self.adapter else None
        outputs = self.llm.generate(
            {"prompt_token_ids": prompt}, params, f"magdi-{next(self.numbers)}", lora_request=lora
        )
        return [output async for output in outputs][-1]

    def _seed_of(self, request: Request) -> int | None:
        if not self.seeds_requests:
            return None
        return seed_for(self.seed, request.problem.id, request.agent, request.round, request.index) % 2**31
