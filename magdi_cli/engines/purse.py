"""The money of a run: what is spent, and what is set aside for calls under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from magdi_cli.core.errors import BudgetReached
from magdi_cli.core.gate import Gate


@dataclass(kw_only=True, slots=True)
class Bill:
    """One call's money: its worst case, until it is settled."""

    dollars: float
    settled: bool = False

    def settle(self, dollars: float) -> None:
        """What the call did cost."""
        self.dollars, self.settled = dollars, True


@dataclass(kw_only=True, slots=True)
class Purse:
    """Dollars, never more than the cap: a call's worst case is set aside before it is made.

    A call that cannot be afforded waits for those under way, which mostly cost less than their worst case.
    When none is under way any more, the gate is closed.
    """

    gate: Gate
    cap: float | None = None
    spent: float = 0.0
    """Dollars of calls made so far; a call whose outcome is unknown counts with its worst case."""
    unsettled: float = 0.0
    """The part of `spent` that providers may not have billed: worst cases of calls that broke off."""
    _reserved: float = 0.0
    _under_way: int = 0
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def bill(self, worst: float, *, deadline: float | None = None) -> AsyncIterator[Bill]:
        """A bill for a call that costs `worst` dollars at most; what it says in the end is spent.

        `DeadlinePassed` where it cannot be afforded before the loop's time `deadline`.
        """
        await self._afford(worst, deadline)
        bill = Bill(dollars=worst)
        self._reserved += worst
        self._under_way += 1
        try:
            yield bill
        finally:
            self._under_way -= 1
            self._reserved -= worst
            self.spent += bill.dollars
            self.unsettled += 0.0 if bill.settled else bill.dollars
            self._settled.set()
            self._settled = asyncio.Event()

    async def _afford(self, dollars: float, deadline: float | None) -> None:
        while self.cap is not None and self.spent + self._reserved + dollars > self.cap:
            if not self._under_way:
                self.gate.close(BudgetReached(self._too_dear(dollars)))
            async with self.gate.waiting(deadline):
                await self._settled.wait()
        self.gate.check()  # another, dearer call may have closed it in this very moment

    def _too_dear(self, dollars: float) -> str:
        return (
            f"${self.spent:.4f} of --max-cost ${self.cap:g} are spent and the next call may cost ${dollars:.4f}; "
            "raise --max-cost to go on"
        )
