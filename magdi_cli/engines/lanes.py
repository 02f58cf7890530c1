"""How much a provider is asked at once: as much as it takes, and no more.

A lane grows while calls succeed and halves when the provider says it is too much: first doubling a round
trip, then adding one (slow start and AIMD, as in TCP congestion control; V. Jacobson, 1988).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.gate import Gate
from magdi_cli.core.options import flag
from magdi_cli.engines.meter import Meter

EVERY = ""
"""Stands for every provider that has no limits of its own."""
DEFAULT_WIDTH = "16"
NOTICEABLE_SECONDS = 0.01
SECONDS_OF_TOKENS = 10
"""Tokens are counted over so many seconds: a minute's worth at once is more than providers take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneLimits:
    """What a user allows to one provider."""

    low: int = 1
    high: int = 16
    """Calls under way at once, at least and at most."""
    start: int = 16
    rpm: float | None = None
    """Calls a minute."""
    tpm: float | None = None
    """Tokens a minute."""


class Lane:
    """The calls under way to one provider."""

    def __init__(self, name: str, limits: LaneLimits, gate: Gate, meter: Meter) -> None:
        self.name = name
        self.gate = gate
        self.seconds_waited = 0.0
        """Seconds that calls were held back by rate limits, summed over the calls."""
        self.rate_limited = 0
        """Replies that said it is too much."""
        self.cuts = 0
        """How often the width was halved."""
        self._limits = limits
        self._width = float(limits.start)
        self._slots = asyncio.Semaphore(limits.start)
        self._debt = 0  # slots that are too many, and vanish when they are next taken or given back
        self._steady = False  # whether the provider's limit was ever met
        self._open_again = 0.0
        self._meter = meter
        # one by one: a bucket that may be emptied at once lets twice the rate through in its first minute
        self._calls = AsyncLimiter(1, 60 / limits.rpm) if limits.rpm else None
        share = SECONDS_OF_TOKENS / 60
        self._tokens = AsyncLimiter(limits.tpm * share, SECONDS_OF_TOKENS) if limits.tpm else None

    @property
    def width(self) -> int:
        """Calls that may be under way now."""
        return int(self._width)

    @asynccontextmanager
    async def slot(self, *, tokens: int = 0, deadline: float | None = None) -> AsyncIterator["Slot"]:
        """A place among the calls under way; `DeadlinePassed` where none is free before the loop's time `deadline`."""
        await self._enter(tokens, deadline)
        try:
            yield Slot(self, self.cuts)
        finally:
            self._leave()

    async def _enter(self, tokens: int, deadline: float | None) -> None:
        async with self.gate.waiting(deadline):
            await self._take_slot()
            try:
                await self._may_call(tokens)
            except BaseException:
                self._leave()
                raise

    async def _take_slot(self) -> None:
        await self._slots.acquire()
        while self._debt:
            self._debt -= 1
            await self._slots.acquire()

    async def _may_call(self, tokens: int) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        if self._calls is not None:
            await self._calls.acquire()
        if self._tokens is not None:
            await self._tokens.acquire(min(tokens, self._tokens.max_rate))
        while (wait := self._open_again - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._held_back(loop.time() - since)

    def _held_back(self, seconds: float) -> None:
        if seconds >= NOTICEABLE_SECONDS:
            self.seconds_waited += seconds
            self._meter.waited(seconds)

    def _leave(self) -> None:
        if self._debt:
            self._debt -= 1
        else:
            self._slots.release()

    def grow(self) -> None:
        """A call went well: the lane may be wider."""
        self._resize(self._width + (1 / self._width if self._steady else 1))

    def cut(self, cuts: int, wait_seconds: float) -> None:
        """A call that began after `cuts` cuts was too much: halve, once for all calls that were under way together."""
        self.rate_limited += 1
        self._held_back(wait_seconds)
        self._open_again = max(self._open_again, asyncio.get_running_loop().time() + wait_seconds)
        if cuts == self.cuts:
            self.cuts += 1
            self._steady = True
            self._resize(self._width / 2)

    def _resize(self, width: float) -> None:
        before = self.width
        self._width = min(max(width, self._limits.low), self._limits.high)
        self._debt += max(0, before - self.width)
        for _ in range(self.width - before):
            if self._debt:
                self._debt -= 1
            else:
                self._slots.release()


@dataclass(frozen=True, slots=True)
class Slot:
    """One call's place in a lane, to be told how it went."""

    _lane: Lane
    _cuts: int

    def succeeded(self) -> None:
        """The provider answered."""
        self._lane.grow()

    def too_much(self, wait_seconds: float) -> None:
        """The provider asks for fewer calls, and for a pause where `wait_seconds` is not 0."""
        self._lane.cut(self._cuts, wait_seconds)


class Lanes:
    """The lanes of a panel, one for each provider or server, made when first asked for."""

    def __init__(self, limits: Mapping[str, LaneLimits], gate: Gate, meter: Meter) -> None:
        self._limits = limits
        self._gate = gate
        self._meter = meter
        self._lanes: dict[tuple[str, str], Lane] = {}

    def lane(self, provider: str, address: str = "") -> Lane:
        """The lane of a provider, or of the server at an address."""
        key = (provider, address)
        if key not in self._lanes:
            self._lanes[key] = Lane(provider, self._limits.get(provider, self._limits[EVERY]), self._gate, self._meter)
        return self._lanes[key]

    def all(self) -> Sequence[Lane]:
        """Every lane made so far."""
        return tuple(self._lanes.values())

    @property
    def widest(self) -> int:
        """Calls that may ever be under way at once in one lane."""
        return max(limits.high for limits in self._limits.values())


def parse_limits(concurrency: str, rpm: str, tpm: str, providers: Collection[str]) -> Mapping[str, LaneLimits]:
    """The limits of `--concurrency`, `--rpm` and `--tpm` by provider, those of every other under `EVERY`.

    Each is `VALUE` or `PROVIDER=VALUE`, or several, comma-separated.
    """
    widths = _by_provider("concurrency", concurrency, providers)
    calls, tokens = _by_provider("rpm", rpm, providers), _by_provider("tpm", tpm, providers)
    limits = {}
    for name in (EVERY, *providers):
        low, high, start = _width(widths.get(name) or widths.get(EVERY) or DEFAULT_WIDTH)
        limits[name] = LaneLimits(
            low=low,
            high=high,
            start=start,
            rpm=_rate("rpm", calls.get(name) or calls.get(EVERY)),
            tpm=_rate("tpm", tokens.get(name) or tokens.get(EVERY)),
        )
    return limits


def _by_provider(option: str, text: str, providers: Collection[str]) -> Mapping[str, str]:
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.rpartition("=")
        if equals and name not in providers:
            raise UnknownName(f"provider on this panel for {flag(option)}", name, providers)
        found[name] = value.strip()
    return found


def _width(text: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= low <= high:
        raise UsageProblem(f"--concurrency: {text!r} is neither N nor MIN-MAX, such as 16 or 4-64")
    return (low if match and match[2] else 1), high, low


def _rate(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise UsageProblem(f"{flag(option)}: {text!r} is not a number above 0")
    return rate
