"""The end of a run before its time: calls under way are finished, no other is begun."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from magdi_cli.core.errors import Interrupted, MagdiError
from magdi_cli.core.protocols import Report

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DeadlinePassed(Exception):
    """The time for a call was up before it could begin."""

    def __init__(self) -> None:
        super().__init__("the problem's --deadline passed before the call could begin")


class Gate:
    """What every call passes before it is made; the first reason it is closed for is the one that counts."""

    def __init__(self) -> None:
        self.reason: MagdiError | None = None
        """Why no call may begin any more; None as long as calls may."""
        self._waits: set[asyncio.Timeout] = set()

    def close(self, reason: MagdiError) -> None:
        """Let no further call begin; whoever waits for something before a call is told."""
        self.reason = self.reason or reason
        for wait in self._waits:
            if not wait.expired():  # one that is just ending cannot be told again
                wait.reschedule(0)

    def check(self) -> None:
        """Raise the reason, if the gate is closed."""
        if self.reason is not None:
            raise self.reason

    @asynccontextmanager
    async def waiting(self, deadline: float | None = None) -> AsyncIterator[None]:
        """A wait that a closing gate ends with its reason, and the loop's time `deadline` with `DeadlinePassed`."""
        self.check()
        if deadline is not None and asyncio.get_running_loop().time() >= deadline:
            raise DeadlinePassed
        try:
            async with asyncio.timeout_at(deadline) as wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            self.check()
            raise DeadlinePassed from None

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless the gate closes meanwhile."""
        async with self.waiting():
            await asyncio.sleep(seconds)


@contextmanager
def closed_by_signals(gate: Gate, report: Report) -> Iterator[None]:
    """Within a running event loop: the first Ctrl-C or SIGTERM closes the gate, the second ends everything now.

    A signal that the process was told to ignore stays ignored.
    """
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    taken = [number for number, handler in handlers.items() if handler is not signal.SIG_IGN]

    def give_back() -> None:
        while taken:
            number = taken.pop()
            loop.remove_signal_handler(number)
            signal.signal(number, handlers[number])

    def stop(number: signal.Signals) -> None:
        give_back()
        report.note("stopping: calls under way are finished and kept; once more stops at once")
        gate.close(Interrupted(number))

    for number in tuple(taken):
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        give_back()
