"""Every paid call once: `calls.jsonl` is cache, resume log, cost ledger and test fixture in one.

A call's key is the digest of what a model sees (model, messages, sampling) and the request's `index`.
Failures are not stored, so a rerun tries them again.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Literal
from weakref import WeakValueDictionary

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.protocols import Completion, Engine, Message, Report, Request, Sampling
from magdi_cli.core.records import decode, encode, repair_tail


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One answered call."""

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
    completion: Completion


class CallLedger:
    """The calls of a file; it is read once for where each call stands, not kept in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.cut = repair_tail(path)
        """Bytes of a torn last line that had to be dropped."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._places: dict[str, tuple[int, int]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        try:
            self._read_places()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def find(self, key: str) -> Completion | None:
        """The stored completion of a key; None for a call never answered."""
        place = self._places.get(key)
        if place is None:
            return None
        line = os.pread(self._file, place[1], place[0])
        return decode(Call, line, f"{self.path}: byte {place[0]}").completion

    def add(self, call: Call) -> None:
        """Append a call; it is in the file, whatever happens to this process, when this returns."""
        line = encode(call)
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise EnvironmentProblem(f"cannot write {self.path}: {error.strerror}; run again once it can") from None
        if written < len(line):
            os.ftruncate(self._file, start)
            raise EnvironmentProblem(f"cannot write {self.path}: the disk is full; free some space and run again")
        self._places[call.key] = (start, len(line))

    def lock(self, key: str) -> asyncio.Lock:
        """One lock per key, so that a call asked twice at once is made once."""
        return self._locks.setdefault(key, asyncio.Lock())

    def _read_places(self) -> None:
        start = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    key = decode(Call, line, f"{self.path}:{number}").key
                    self._places[key] = (start, len(line))
                start += len(line)


@contextmanager
def open_ledger(path: Path, *, report: Report) -> Iterator[CallLedger]:
    """The ledger of a file, closed in the end; a torn last line is dropped with a warning."""
    ledger = CallLedger(path)
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
                return stored
            completion = await self.engine.generate(request)
            if completion.error is None:
                self.ledger.add(_call(key, self.engine.model, request, completion))
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
        completion=completion,
    )
