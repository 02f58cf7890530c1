"""What stands between a request and its provider: the gate, the provider's lane, the purse."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from magdi_cli.core.gate import Gate
from magdi_cli.core.protocols import Completion, Engine, Request
from magdi_cli.engines.lanes import Lane, LaneLimits, Slot
from magdi_cli.engines.meter import Meter
from magdi_cli.engines.prices import Price
from magdi_cli.engines.purse import Bill, Purse

BYTES_PER_TOKEN = 3
"""Fewer than most texts have: limits on tokens are kept with something to spare."""
ALL_AT_ONCE = LaneLimits(high=1024, start=1024)


@dataclass(frozen=True, slots=True)
class Passage:
    """A call that may be made now."""

    slot: Slot
    bill: Bill


@dataclass(frozen=True, kw_only=True, slots=True)
class Turnstile:
    """Lets one try of a call through at a time there is room, money and no reason to stop."""

    lane: Lane
    purse: Purse
    price: Price | None = None
    """What the calls cost; None where nobody knows, then nothing is set aside for them."""

    @classmethod
    def wide_open(cls, price: Price | None) -> "Turnstile":
        """One for a single user of a provider: no cap, and hardly a limit."""
        gate = Gate()
        return cls(lane=Lane("", ALL_AT_ONCE, gate, Meter()), purse=Purse(gate=gate), price=price)

    @asynccontextmanager
    async def passed(self, request: Request) -> AsyncIterator[Passage]:
        """Room and money for one call, all samples of the request in it."""
        size = sum(len(message.content) for message in request.messages)
        tokens = size // BYTES_PER_TOKEN + request.sampling.max_tokens * request.sampling.n
        worst = self.price.ceiling(request) if self.price else 0.0
        async with (
            self.lane.slot(tokens=tokens, deadline=request.deadline) as slot,
            self.purse.bill(worst, deadline=request.deadline) as bill,
        ):
            yield Passage(slot, bill)


@dataclass(frozen=True, slots=True)
class Passing:
    """An engine without failures or prices of its own, behind a turnstile."""

    engine: Engine
    turnstile: Turnstile

    @property
    def model(self) -> str:
        """The engine's model."""
        return self.engine.model

    async def generate(self, request: Request) -> Completion:
        """The engine's completion, once it may be asked."""
        async with self.turnstile.passed(request) as passage:
            completion = await self.engine.generate(request)
            if price := self.turnstile.price:
                usage = completion.usage
                cost = price.of(usage.prompt_tokens, usage.completion_tokens)
                completion = replace(completion, usage=replace(usage, cost_usd=cost))
            passage.bill.settle(completion.usage.cost_usd or 0.0)
            return completion
