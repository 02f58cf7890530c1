"""Many problems under way at once; records written in order and picked up where they stopped."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from magdi_cli.core.problem import Problem
from magdi_cli.core.records import decode, encode, repair_tail

Item = TypeVar("Item")
Result = TypeVar("Result")
Record = TypeVar("Record")

Emit = Callable[[bytes], None]
"""Takes each record's line, for a reader downstream."""


class _ReaderLeft(Exception):
    """Nobody waits for results any more."""


async def in_order(
    items: Iterable[Item],
    work: Callable[[Item], Coroutine[Any, Any, Result]],
    *,
    at_once: int,
    window: int,
    finish: bool = False,
) -> AsyncGenerator[Result, None]:
    """The result of each item, in the items' order.

    Work is done on `at_once` items; up to `window` may be begun or wait for an earlier one to be handed
    out, so that a slow item delays itself and not the others. After a failure no further item is begun;
    what is under way is handed out when it is done, then the failure is raised. A reader who leaves early
    cancels what is under way, with `finish` waits for it; one who is cancelled cancels it.
    """
    crew = _Crew(work, at_once)
    running: deque[asyncio.Task[Result]] = deque()
    coming = iter(items)
    try:
        while True:
            if not crew.failures:
                running.extend(asyncio.create_task(crew.do(item)) for item in islice(coming, window - len(running)))
            if not running:
                break
            try:
                result = await running.popleft()
            except Exception:
                continue  # it is among the failures
            yield result
        crew.check()
    except asyncio.CancelledError:
        finish = False
        raise
    finally:
        await crew.leave(running, finish=finish)


async def as_done(
    items: Iterable[Item], work: Callable[[Item], Coroutine[Any, Any, Result]], *, at_once: int
) -> AsyncGenerator[Result, None]:
    """The result of each item as soon as there is one; work is done on `at_once` items.

    After a failure no further item is begun; what is under way is handed out when it is done, then the failure
    is raised. A reader who leaves early cancels what is under way.
    """
    crew = _Crew(work, at_once)
    running: set[asyncio.Task[Result]] = set()
    coming = iter(items)
    try:
        while True:
            if not crew.failures:
                running |= {asyncio.create_task(crew.do(item)) for item in islice(coming, at_once - len(running))}
            if not running:
                break
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception() is None:  # else it is among the failures
                    yield task.result()
        crew.check()
    finally:
        await crew.leave(running)


class _Crew(Generic[Item, Result]):
    """Does the work on so many items at once, until the first failure."""

    def __init__(self, work: Callable[[Item], Coroutine[Any, Any, Result]], at_once: int) -> None:
        self._work = work
        self._slots = asyncio.Semaphore(at_once)
        self.failures: list[Exception] = []

    async def do(self, item: Item) -> Result:
        async with self._slots:
            self.check()
            try:
                return await self._work(item)
            except Exception as error:
                self.failures.append(error)
                raise

    def check(self) -> None:
        if self.failures:
            raise self.failures[0]

    async def leave(self, running: Collection[asyncio.Task[Result]], *, finish: bool = False) -> None:
        """Begin nothing more, and end what is under way: cancelled, or with `finish` waited for."""
        self.failures.append(_ReaderLeft())
        if not finish:
            for task in running:
                task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def together(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """What each piece of work comes to; a failure is raised once all have ended, so that none is cut off."""
    ends = await asyncio.gather(*work, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ends if not isinstance(end, BaseException)]


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
        with self.path.open("ab") as handle:
            async with aclosing(records) as coming:
                async for record in coming:
                    line = encode(record)
                    handle.write(line)
                    handle.flush()
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
