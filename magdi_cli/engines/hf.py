"""A local model in transformers: requests that wait together are generated together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from magdi_cli.core.protocols import Completion, Engine, Request
from magdi_cli.core.seeds import seed_for
from magdi_cli.engines.chat import no_room, render_chat, require_room
from magdi_cli.engines.generator import Generator, load_generator


@asynccontextmanager
async def open_transformers(
    model_folder: str, *, adapter: Path | None, seed: int, max_tokens: int = 1, batch_size: int = 16
) -> AsyncIterator[Engine]:
    """An engine for a model folder or hub id, with an optional PEFT adapter."""
    generator = load_generator(model_folder, adapter)
    require_room(model_folder, max_tokens, generator.context)
    name = f"transformers:{model_folder}{f'+{adapter}' if adapter else ''}#{seed}"
    engine = TransformersEngine(model=name, generator=generator, seed=seed, batch_size=batch_size)
    worker = asyncio.ensure_future(engine.work())
    try:
        yield engine
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A request that waits for its turn."""

    request: Request
    prompt: list[int]
    room: int
    """Tokens its reply may have."""
    done: asyncio.Future[Completion]

    def fits_with(self, other: "Waiting") -> bool:
        """Whether the two can share a batch without changing each other's reply."""
        return self.request.sampling == other.request.sampling and self.room == other.room


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformersEngine:
    """One model; one batch at a time, in a thread."""

    model: str
    """Folder or hub id, adapter and seed."""
    generator: Generator
    seed: int
    batch_size: int
    """Sequences generated at once."""
    queue: asyncio.Queue[Waiting] = field(default_factory=asyncio.Queue)

    async def generate(self, request: Request) -> Completion:
        """All samples of one request, generated beside those of other requests."""
        prompt = render_chat(self.generator.tokenizer, request.messages)
        room = min(request.sampling.max_tokens, self.generator.context - len(prompt))
        if room < 1:
            return Completion(error=no_room(len(prompt), self.generator.context))
        done: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait(Waiting(request=request, prompt=prompt, room=room, done=done))
        return await done

    async def work(self) -> None:
        """Generate what waits, for ever."""
        held: list[Waiting] = []
        with ThreadPoolExecutor(max_workers=1) as thread:
            while True:
                if not held:
                    held.append(await self.queue.get())
                while not self.queue.empty():
                    held.append(self.queue.get_nowait())
                batch = self._batch(held)
                held = [waiting for waiting in held if waiting not in batch]
                await self._answer(batch, thread)

    def _batch(self, held: Sequence[Waiting]) -> list[Waiting]:
        """The first that waits, and others that can be generated with it; like lengths waste no padding."""
        first = held[0]
        alike = [waiting for waiting in held if waiting.fits_with(first)]
        alike.sort(key=lambda waiting: abs(len(waiting.prompt) - len(first.prompt)))
        return alike[: max(1, self.batch_size // first.request.sampling.n)]

    async def _answer(self, batch: Sequence[Waiting], thread: ThreadPoolExecutor) -> None:
        asked = [waiting for waiting in batch if not waiting.done.done()]
        if not asked:
            return
        loop = asyncio.get_running_loop()
        try:
            completions = await loop.run_in_executor(thread, self._completions, asked)
        except Exception as error:
            completions = [Completion(error=f"transformers: {error}")] * len(asked)
        for waiting, completion in zip(asked, completions, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(completion)

    def _completions(self, batch: Sequence[Waiting]) -> list[Completion]:
        first = batch[0]
        occasions = [f"{w.request.problem.id} {w.request.agent} {w.request.round} {w.request.index}" for w in batch]
        return self.generator.complete(
            [waiting.prompt for waiting in batch],
            first.request.sampling,
            max_new_tokens=first.room,
            seed=seed_for(self.seed, *occasions),
        )
