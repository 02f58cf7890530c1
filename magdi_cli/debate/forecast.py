"""`--dry-run`: what the debates of a plan would cost.

Prices are taken as flat: surcharges for long prompts and rebates for cached ones are not in the estimate.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from magdi_cli.core.artifact import CALLS, DEBATES
from magdi_cli.core.debate import Debate
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import read_unfinished
from magdi_cli.debate.habits import Habits, SeatHabit, habits_of
from magdi_cli.debate.plan import Plan
from magdi_cli.debate.rehearsal import Load, Loads, rehearse
from magdi_cli.engines.meter import dollars
from magdi_cli.engines.prices import Price
from magdi_cli.engines.pricing import price_of
from magdi_cli.engines.recorded import Call
from magdi_cli.engines.teachers import Teacher

T = TypeVar("T")

SHORTEST = "replies half as long as expected, every debate ends as early as it may"
LONGEST = "all rounds, the longest replies, each asked for twice"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundForecast:
    """A round, as expected."""

    round: int
    calls: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatForecast:
    """A seat's money in dollars; None where its price is unknown."""

    seat: str
    model: str
    calls: int
    """Expected."""
    reply_tokens: int
    """Expected length of a reply."""
    low_usd: float | None
    expected_usd: float | None
    ceiling_usd: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What all debates come to if things go in one way."""

    case: Literal["low", "expected", "ceiling"]
    calls: int
    tokens: int
    """Read and written."""
    cost_usd: float | None
    """Of the seats with a known price; None where there is none."""
    assumed: str
    """What is taken for granted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebateForecast:
    """What a debate run would cost."""

    schema: Literal["magdi.debate-forecast/1"] = "magdi.debate-forecast/1"
    debates: int
    """Debates that are still to be held."""
    price_unknown: tuple[str, ...]
    """Seats whose price nobody knows: what they cost comes on top."""
    totals: tuple[Scenario, ...]
    """Low, expected and ceiling."""
    rounds: tuple[RoundForecast, ...]
    seats: tuple[SeatForecast, ...]


def forecast(plan: Plan, report: Report) -> DebateForecast:
    """Calls, tokens and money of the debates that are still to be held; nothing is called and nothing written."""
    problems, habits = _what_is_known(plan, report)
    terse = rehearse(plan, problems, lambda teacher: _terse(habits.of(teacher.name)))
    usual = rehearse(plan, problems, lambda teacher: habits.of(teacher.name))
    longest = rehearse(plan, problems, lambda teacher: _longest(plan, teacher, habits), stubborn=True)
    stop, last = plan.config.stop, plan.config.rounds if plan.config.stop == "never" else 0
    low = _weighed(terse, len(problems), lambda number: float(number <= last))
    expected = _weighed(usual, len(problems), lambda number: habits.share(number, stop))
    ceiling = _weighed(longest, len(problems), lambda _: 1.0)
    assumed = habits.described([teacher.name for teacher in plan.teachers], stop)
    seats = tuple(_seat(teacher, (low, expected, ceiling)) for teacher in plan.teachers)
    found = DebateForecast(
        debates=len(problems),
        price_unknown=tuple(seat.seat for seat in seats if seat.low_usd is None),
        totals=(
            _scenario("low", low, plan, SHORTEST),
            _scenario("expected", expected, plan, assumed),
            _scenario("ceiling", ceiling, plan, LONGEST),
        ),
        rounds=_rounds(expected),
        seats=seats,
    )
    _advise(plan, found, report)
    return found


def _terse(habit: SeatHabit) -> SeatHabit:
    return replace(habit, writes=habit.writes / 2, shows=habit.shows / 2)


def _longest(plan: Plan, teacher: Teacher, habits: Habits) -> SeatHabit:
    longest = plan.longest_reply(teacher)
    return SeatHabit(reads=max(1.0, habits.of(teacher.name).reads), writes=longest, shows=longest)


def _scenario(case: Literal["low", "expected", "ceiling"], loads: Loads, plan: Plan, assumed: str) -> Scenario:
    total = _sum(loads.values())
    costs = [_dollars(_sum(_of_seat(loads, teacher)), price_of(teacher)) for teacher in plan.teachers]
    known = [cost for cost in costs if cost is not None]
    return Scenario(
        case=case,
        calls=round(total.calls),
        tokens=total.tokens,
        cost_usd=sum(known) if known else None,
        assumed=assumed,
    )


def _of_seat(loads: Loads, teacher: Teacher) -> Iterator[Load]:
    return (load for (seat, _), load in loads.items() if seat == teacher.name)


def _weighed(load: Loads, debates: int, share: Callable[[int], float]) -> Loads:
    """The load of all debates, of which a share comes to each round."""
    weighed: dict[tuple[str, int], Load] = defaultdict(Load)
    for (seat, number), one in load.items():
        weighed[seat, number].add(one, debates * share(number))
    return weighed


def _sum(loads: Iterable[Load]) -> Load:
    total = Load()
    for load in loads:
        total.add(load)
    return total


def _seat(teacher: Teacher, scenarios: Sequence[Loads]) -> SeatForecast:
    low, expected, ceiling = (_sum(_of_seat(loads, teacher)) for loads in scenarios)
    price = price_of(teacher)
    calls = round(expected.calls)
    return SeatForecast(
        seat=teacher.name,
        model=teacher.model,
        calls=calls,
        reply_tokens=round(expected.completion_tokens / expected.calls) if expected.calls else 0,
        low_usd=_dollars(low, price),
        expected_usd=_dollars(expected, price),
        ceiling_usd=_dollars(ceiling, price),
    )


def _dollars(load: Load, price: Price | None) -> float | None:
    return None if price is None else price.of(round(load.prompt_tokens), round(load.completion_tokens))


def _rounds(loads: Loads) -> tuple[RoundForecast, ...]:
    by_round: dict[int, Load] = defaultdict(Load)
    for (_, number), load in loads.items():
        by_round[number].add(load)
    return tuple(
        RoundForecast(
            round=number,
            calls=round(load.calls),
            prompt_tokens=round(load.prompt_tokens),
            completion_tokens=round(load.completion_tokens),
        )
        for number, load in sorted(by_round.items())
    )


def _what_is_known(plan: Plan, report: Report) -> tuple[list[Problem], Habits]:
    """The problems that are still to be debated, and the panel's habits."""
    if clash := plan.artifact.clash(plan.config, **plan.identity):
        report.warn(f"a real run would end with code 3: {clash}; this is what all debates would cost anew")
        return plan.problems, Habits()
    debates = list(_stored(plan.folder / DEBATES, Debate, report))
    held = {debate.problem.id for debate in debates}
    problems = [problem for problem in plan.problems if problem.id not in held]
    if held:
        report.note(f"{len(plan.problems) - len(problems)} of {len(plan.problems)} debates are held already")
    if plan.elder is not None:
        report.note(f"calls in {plan.elder} that still match will cost nothing; here they are counted as if they did")
    return problems, habits_of(_stored(plan.folder / CALLS, Call, report), debates, plan.config.rounds)


def _stored(path: Path, record_type: type[T], report: Report) -> Iterator[T]:
    return read_unfinished(path, record_type, report.warn) if path.exists() else iter(())


def _advise(plan: Plan, found: DebateForecast, report: Report) -> None:
    """What follows for the user's money."""
    cap, (_, expected, ceiling) = plan.config.max_cost, found.totals
    if found.price_unknown:
        names = ", ".join(found.price_unknown)
        end = "; with --max-cost a real run would end with code 2" if cap is not None else ""
        report.warn(
            f"the price of {names} is unknown, so its calls come on top; give dollars per million tokens in and out: "
            f"{found.price_unknown[0]}?price=2.5:10{end}"
        )
    elif cap is not None and expected.cost_usd is not None and expected.cost_usd > cap:
        report.warn(f"--max-cost {dollars(cap)} will probably end the run early: {dollars(expected.cost_usd)} expected")
    elif cap is None and ceiling.cost_usd:
        report.note("a run with --max-cost USD never costs more than that, and can be resumed")
