"""Hours that pass at once: an event loop that jumps to its next timer when there is nothing else to do."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop for code that only waits for timers, never for the outside world."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        self._look = selector.select
        selector.select = self._jump

    def time(self) -> float:
        return self._now

    def _jump(self, timeout: float | None = None) -> Any:
        self._now += timeout or 0.0
        return self._look(0)


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` without waiting."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
