"""Many problems under way at once, their records written in order and picked up where they stopped."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from magdi_cli.core.problem import Problem
from magdi_cli.core.records import decode, encode, repair_tail

Item = TypeVar("Item")
Result = TypeVar("Result")
Record = TypeVar("Record")

Emit = Callable[[bytes], None]
"""Takes each record's line, for a reader downstream."""


async def in_order(
    items: Iterable[Item], work: Callable[[Item], Coroutine[Any, Any, Result]], *, at_once: int, window: int
) -> AsyncGenerator[Result, None]:
    """The result of each item, in the items' order.

    Work is done on `at_once` items; up to `window` may be begun or wait for an earlier one to be handed
    out, so that a slow item delays itself and not the others.
    """
    slots = asyncio.Semaphore(at_once)
    running: deque[asyncio.Task[Result]] = deque()

    async def in_slot(item: Item) -> Result:
        async with slots:
            return await work(item)

    try:
        for item in items:
            running.append(asyncio.create_task(in_slot(item)))
            if len(running) >= window:
                yield await running.popleft()
        while running:
            yield await running.popleft()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal(Generic[Record]):
    """A file with one record a problem, in problem order, that only ever grows at its end."""

    path: Path
    record_type: type[Record]
    seen: Callable[[Record], None]
    """Called with every record, those of an earlier run included."""
    emit: Emit
    """Called with every record's line, likewise."""

    def replay(self, problems: Sequence[Problem], done: Callable[[Record, Problem], bool]) -> tuple[int, int]:
        """How many leading problems need no more work, and the bytes of a torn last line.

        The file is cut after the last of them: a record that is not done is made anew, its paid calls
        being in the ledger.
        """
        torn = repair_tail(self.path)
        count = 0
        for record in self._finished(problems, done):
            self.seen(record)
            self.emit(encode(record))
            count += 1
        return count, torn

    async def extend(self, records: AsyncGenerator[Record, None]) -> None:
        """Append each record as it comes."""
        with self.path.open("ab", buffering=0) as handle:
            async with aclosing(records) as coming:
                async for record in coming:
                    line = encode(record)
                    handle.write(line)
                    self.emit(line)
                    self.seen(record)

    def _finished(self, problems: Sequence[Problem], done: Callable[[Record, Problem], bool]) -> Iterator[Record]:
        if not self.path.exists():
            return
        with self.path.open("rb+") as handle:
            for number, problem in enumerate(problems, start=1):
                start = handle.tell()
                line = handle.readline()
                if not line or not done(record := decode(self.record_type, line, f"{self.path}:{number}"), problem):
                    handle.truncate(start)
                    return
                yield record
