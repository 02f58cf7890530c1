"""What a debate run is doing right now, in a line: its speed, tokens, money and rate-limit waits."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from magdi_cli.core.usage import Usage

WINDOW = 10.0
"""Seconds over which the speed is measured."""
SHORTEST_SPAN = 1.0
"""Seconds below which no speed is extrapolated."""


@dataclass(kw_only=True, slots=True)
class Meter:
    """Counts of a run's calls; may be told and asked by different threads."""

    cap_usd: float | None = None
    """The run's `--max-cost`; None where it has none."""
    spent_before_usd: float = 0.0
    """What earlier sittings of the run cost; counts towards the cap."""
    clock: Callable[[], float] = time.monotonic
    usage: Usage = field(default_factory=Usage)
    """All calls made, those of an earlier run not included."""
    reuses: int = 0
    waits: int = 0
    seconds_waited: float = 0.0
    _began: float = field(init=False)
    _recent: deque[tuple[float, int]] = field(default_factory=deque, init=False)
    _in_window: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def call(self, usage: Usage) -> None:
        """Count a finished call."""
        with self._lock:
            now = self.clock()
            self.usage += usage
            self._recent.append((now, usage.calls))
            self._in_window += usage.calls
            self._forget(now)

    def reused(self) -> None:
        """Count a call whose reply an earlier run paid for."""
        with self._lock:
            self.reuses += 1

    def waited(self, seconds: float) -> None:
        """Count a call that a rate limit held back."""
        with self._lock:
            self.waits += 1
            self.seconds_waited += seconds

    def status(self, now: float | None = None) -> str:
        """The counts in words, such as `3.2 calls/s, 45k tokens, $0.23 (of $5.00), 14 rate-limit waits (62 s)`."""
        with self._lock:
            now = self.clock() if now is None else now
            self._forget(now)
            span = max(SHORTEST_SPAN, min(WINDOW, now - self._began))
            parts = [
                f"{self._in_window / span:.1f} calls/s",
                f"{thousands(self.usage.prompt_tokens + self.usage.completion_tokens)} tokens",
                self._money(),
            ]
            if self.waits:
                plural = "" if self.waits == 1 else "s"
                parts.append(f"{self.waits} rate-limit wait{plural} ({self.seconds_waited:.0f} s)")
            if self.reuses:
                parts.append(f"{self.reuses} reused")
        return ", ".join(parts)

    def _money(self) -> str:
        now = self.usage.cost_usd
        spent = dollars(None if now is None else now + self.spent_before_usd)
        return spent if self.cap_usd is None else f"{spent} (of {dollars(self.cap_usd)})"

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] <= now - WINDOW:
            self._in_window -= self._recent.popleft()[1]


def thousands(count: int) -> str:
    """A count in three figures or so: `999`, `4.5k`, `45k`, `1.2M`."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 10 * size else f"{count // size}{unit}"
    return str(count)


def dollars(amount: float | None) -> str:
    """An amount of money in words: `$0.23`, `<$0.01`, `unknown $`."""
    if amount is None:
        return "unknown $"
    return "<$0.01" if 0 < amount < 0.01 else f"${amount:,.2f}"
