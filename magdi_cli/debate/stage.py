"""`magdi debate`: problems in, debates out, nothing paid twice."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from magdi_cli.core.artifact import CALLS, DEBATES
from magdi_cli.core.config import DebateConfig
from magdi_cli.core.debate import Debate
from magdi_cli.core.errors import Interrupted, TooManyFailures
from magdi_cli.core.flow import Emit, Journal, in_order
from magdi_cli.core.gate import Gate, closed_by_signals
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Report
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.debate.forecast import DebateForecast, forecast
from magdi_cli.debate.plan import Plan, make_plan
from magdi_cli.debate.tally import SeatCalls, SeatScore, Tally
from magdi_cli.engines.lanes import Lanes
from magdi_cli.engines.meter import Meter
from magdi_cli.engines.panel import Desk, open_panel
from magdi_cli.engines.purse import Purse
from magdi_cli.engines.recorded import open_ledger

ENOUGH_CALLS_TO_JUDGE = 20
"""Calls after which a run whose failures exceed --fail-on-error is ended early."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneReport:
    """How a provider took the calls of this sitting."""

    provider: str
    concurrency: int
    """Calls under way at once that it settled at."""
    rate_limited: int
    """Replies that asked for fewer calls."""
    seconds_waited: float
    """Seconds that calls were held back by rate limits, summed over the calls."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebateSummary:
    """What a debate run came to."""

    schema: Literal["magdi.debate-summary/1"] = "magdi.debate-summary/1"
    folder: str
    debates: int
    agreed: int
    """Debates that ended in agreement."""
    team_accuracy: float
    """Accuracy of the team's answers."""
    interval: tuple[float, float]
    """95 % Wilson interval of `team_accuracy`."""
    usage: Usage
    """What the debates cost, earlier sittings included."""
    reused_calls: int
    """Calls of this sitting that were answered from `calls.jsonl`."""
    unsettled_usd: float
    """Worst cases of calls of this sitting that broke off: their providers may have billed them."""
    seats: tuple[SeatScore, ...]
    calls: tuple[SeatCalls, ...]
    lanes: tuple[LaneReport, ...]


def run(config: DebateConfig, report: Report, emit: Emit) -> DebateSummary | DebateForecast:
    """Debate the problems of a config into `RUN/debates`; every record's line is also handed to `emit`.

    Continues where an earlier run of the same config stopped. Raises `AccessProblem` before the first
    call if a seat cannot be called, `TooManyFailures` once calls fail too often, `BudgetReached` at the
    cap. With `dry_run`, says what the debates would cost and writes nothing.
    """
    plan = make_plan(config, report)
    if config.dry_run:
        return forecast(plan, report)
    sitting = _Sitting(plan, report)
    artifact = plan.artifact
    with artifact.begin(config, **plan.identity) as state:
        journal = Journal(path=artifact.path / DEBATES, record_type=Debate, seen=sitting.tally.add, emit=emit)
        done, torn = journal.replay(plan.problems, _is_done)
        if torn:
            report.warn(f"{journal.path}: dropped a torn last line of {torn} bytes; its problem is debated again")
        if state == "complete" and done == len(plan.problems):
            report.note(f"all {done} debates are in {journal.path} already")
        else:
            artifact.reopen(config, **plan.identity)
            asyncio.run(journal.extend(sitting.debates(plan.problems[done:])))
            artifact.complete(config, inputs=plan.inputs, counts=sitting.counts(), **plan.identity)
    if too_many := sitting.too_many_failures:
        raise too_many
    return sitting.summary()


def _is_done(debate: Debate, problem: Problem) -> bool:
    return debate.problem == problem and all(turn.error is None for turn in debate.turns)


class _Sitting:
    """One execution of the command: what it makes, and what it counts."""

    def __init__(self, plan: Plan, report: Report) -> None:
        self.plan, self.config, self.report = plan, plan.config, report
        self.tally = Tally()
        self.meter = Meter(cap_usd=plan.config.max_cost)
        self.gate = Gate()
        self.lanes = Lanes(plan.limits, self.gate, self.meter)
        self.purse = Purse(gate=self.gate, cap=plan.config.max_cost)

    async def debates(self, problems: list[Problem]) -> AsyncGenerator[Debate, None]:
        """The debates in order; once the gate is closed those that are finished, then the gate's reason."""
        with (
            closed_by_signals(self.gate, self.report),
            open_ledger(self.plan.folder / CALLS, report=self.report, elder=self.plan.elder) as ledger,
        ):
            self.purse.spent = self.meter.spent_before_usd = ledger.spent
            desk = Desk(lanes=self.lanes, purse=self.purse, ledger=ledger, meter=self.meter, report=self.report)
            async with open_panel(
                self.plan.teachers,
                desk,
                seed=self.config.seed,
                timeout=self.config.timeout,
                max_retries=self.config.max_retries,
            ) as panel:
                table = self.plan.table(panel)
                at_once = self.lanes.widest
                held = in_order(problems, table.debate, at_once=at_once, window=4 * at_once, finish=True)
                with self.report.progress("debates", len(problems), self.meter.status) as advance:
                    async with aclosing(self._watched(held)) as coming:
                        async for debate in coming:
                            yield debate
                            advance()

    async def _watched(self, held: AsyncGenerator[Debate, None]) -> AsyncGenerator[Debate, None]:
        """The debates, the gate closed as soon as there is a reason to end early, so that no call is cut off."""
        try:
            async for debate in held:
                yield debate
                if self.tally.turns >= ENOUGH_CALLS_TO_JUDGE and (too_many := self.too_many_failures):
                    self.gate.close(too_many)
        finally:
            # whoever left: a reader, or the disk
            self.gate.close(Interrupted(signal.SIGPIPE, "the debates could not be handed on"))
            await held.aclose()

    @property
    def too_many_failures(self) -> TooManyFailures | None:
        """Why the run ends if more calls failed than the config allows; None while they are fewer."""
        tally, config = self.tally, self.config
        if tally.failed_share > config.fail_on_error:
            return TooManyFailures(
                f"{tally.failed} of {tally.turns} calls failed, more than --fail-on-error {config.fail_on_error} "
                f"allows; what succeeded is in {self.plan.folder}, the same command tries the rest again"
            )
        return None

    def counts(self) -> dict[str, int]:
        """What the manifest says of the records."""
        return {"debates": self.tally.debates, "turns": self.tally.turns, "failed_calls": self.tally.failed}

    def summary(self) -> DebateSummary:
        """What the whole run came to."""
        tally = self.tally
        return DebateSummary(
            folder=str(self.plan.folder),
            debates=tally.debates,
            agreed=tally.agreed,
            team_accuracy=tally.team_correct / tally.debates,
            interval=wilson_interval(tally.team_correct, tally.debates),
            usage=tally.usage,
            reused_calls=self.meter.reuses,
            unsettled_usd=self.purse.unsettled,
            seats=tuple(tally.scores()),
            calls=tuple(tally.calls()),
            lanes=tuple(
                LaneReport(
                    provider=lane.name,
                    concurrency=lane.width,
                    rate_limited=lane.rate_limited,
                    seconds_waited=lane.seconds_waited,
                )
                for lane in self.lanes.all()
            ),
        )
