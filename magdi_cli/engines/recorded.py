"""Every paid call once: `calls.jsonl` is cache, resume log, cost ledger and test fixture in one.

A call's key is the digest of what a model sees (model, messages, sampling) and the request's `index`.
A failure that was paid for is there with its price alone: it answers nothing, a rerun tries it again.
"""

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal
from weakref import WeakValueDictionary

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.protocols import Completion, Engine, Message, Report, Request, Sampling
from magdi_cli.core.records import decode, encode, repair_tail
from magdi_cli.engines.meter import Meter

SYNC_SECONDS = 1.0
LINE_BYTES = 16384
"""Longer than most lines, so that one read is enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call that was answered, or paid for."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.call/1"] = "magdi.call/1"
    key: str
    """sha256 of model, messages, sampling and index."""
    model: str
    messages: tuple[Message, ...]
    sampling: Sampling
    index: int
    """Tells apart calls that are equal in all a model sees."""
    agent: str
    problem: str
    """Id of the problem the call was made for."""
    round: int
    prompts: str = ""
    """Fingerprint of the templates that made the messages."""
    reused: bool = False
    """Whether the run that this one was forked from paid for it."""
    completion: Completion


class StoredCalls:
    """The answered calls of a file, found by their key; where each stands is kept in memory, nothing else."""

    def __init__(self, path: Path, *, flags: int = os.O_RDONLY) -> None:
        self.path = path
        self.spent = 0.0
        """Dollars of the calls whose price is known, reused ones not among them."""
        self.file = os.open(path, flags, 0o644)
        self._places: dict[int, int] = {}
        try:
            self._read_places()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Give the file back."""
        os.close(self.file)

    def find(self, key: str) -> Call | None:
        """The stored call of a key; None for one never answered."""
        start = self._places.get(_short(key))
        if start is None:
            return None
        call = decode(Call, self._line(start), f"{self.path}: byte {start}")
        return call if call.key == key else None

    def put(self, call: Call, start: int) -> None:
        """Remember what a call cost and, if it was answered, that its line begins at byte `start`."""
        if call.completion.error is None:
            self._places[_short(call.key)] = start
        if not call.reused:
            self.spent += call.completion.usage.cost_usd or 0.0

    def _line(self, start: int) -> bytes:
        line = b""
        while b"\n" not in line and (more := os.pread(self.file, LINE_BYTES, start + len(line))):
            line += more
        return line.partition(b"\n")[0]

    def _read_places(self) -> None:
        start = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip() and line.endswith(b"\n"):
                    self.put(decode(Call, line, f"{self.path}:{number}"), start)
                start += len(line)


class CallLedger:
    """A file of calls that grows, and the older one whose calls it takes over where they fit."""

    def __init__(self, path: Path, *, elder: Path | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.cut = repair_tail(path)
        """Bytes of a torn last line that had to be dropped."""
        self._calls = StoredCalls(path, flags=os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._elder = StoredCalls(elder) if elder is not None else None
        self._synced = time.monotonic()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def spent(self) -> float:
        """Dollars that the stored calls have cost."""
        return self._calls.spent

    def close(self) -> None:
        """Give the files back."""
        self._calls.close()
        if self._elder is not None:
            self._elder.close()

    def find(self, key: str) -> Completion | None:
        """The stored completion of a key; None for a call never answered."""
        call = self._calls.find(key)
        if call is None and self._elder is not None and (call := self._elder.find(key)):
            self.add(replace(call, reused=True))
        return call.completion if call else None

    def add(self, call: Call) -> None:
        """Append a call; it is in the file, whatever happens to this process, when this returns."""
        line = encode(call)
        start = os.lseek(self._calls.file, 0, os.SEEK_END)
        try:
            written = os.write(self._calls.file, line)
        except OSError as error:
            raise EnvironmentProblem(f"cannot write {self.path}: {error.strerror}; run again once it can") from None
        if written < len(line):
            os.ftruncate(self._calls.file, start)
            raise EnvironmentProblem(f"cannot write {self.path}: the disk is full; free some space and run again")
        self._calls.put(call, start)
        self._sync()

    def _sync(self) -> None:
        # a kill loses nothing that is written; a machine that is switched off loses a second's worth
        if (now := time.monotonic()) - self._synced >= SYNC_SECONDS:
            os.fdatasync(self._calls.file)
            self._synced = now

    def lock(self, key: str) -> asyncio.Lock:
        """One lock per key, so that a call asked twice at once is made once."""
        return self._locks.setdefault(key, asyncio.Lock())


@contextmanager
def open_ledger(path: Path, *, report: Report, elder: Path | None = None) -> Iterator[CallLedger]:
    """The ledger of a file, closed in the end; a torn last line is dropped with a warning."""
    ledger = CallLedger(path, elder=elder)
    try:
        if ledger.cut:
            report.warn(f"{path}: the last line was torn ({ledger.cut} bytes) and was dropped; its call is made again")
        yield ledger
    finally:
        ledger.close()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An engine whose answered calls are written down and never made twice."""

    engine: Engine
    ledger: CallLedger
    meter: Meter = field(default_factory=Meter)

    @property
    def model(self) -> str:
        """The recorded engine's model."""
        return self.engine.model

    async def generate(self, request: Request) -> Completion:
        """The stored completion, or a new one that is stored before it is returned."""
        key = call_key(self.engine.model, request)
        async with self.ledger.lock(key):
            stored = self.ledger.find(key)
            if stored is not None:
                self.meter.reused()
                return stored
            completion = await self.engine.generate(request)
            if completion.error is None or completion.usage.cost_usd:
                self.ledger.add(_call(key, self.engine.model, request, completion))
            self.meter.call(completion.usage)
            return completion


def call_key(model: str, request: Request) -> str:
    """The sha256 under which a request to a model is stored."""
    sampling = request.sampling
    seen = {
        "model": model,
        "messages": [asdict(message) for message in request.messages],
        # 1 and 1.0 are one temperature, but two texts
        "sampling": [float(sampling.temperature), float(sampling.top_p), sampling.max_tokens, sampling.n],
        "index": request.index,
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def _short(key: str) -> int:
    """Enough of a key to find its place; the whole key is compared with what stands there."""
    return int(key[:15], 16)


def _call(key: str, model: str, request: Request, completion: Completion) -> Call:
    return Call(
        key=key,
        model=model,
        messages=request.messages,
        sampling=request.sampling,
        index=request.index,
        agent=request.agent,
        problem=request.problem.id,
        round=request.round,
        prompts=request.prompts,
        completion=completion,
    )
