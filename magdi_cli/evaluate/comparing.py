"""`magdi compare`: whether one subject answers better than another, or whether that cannot be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluate_config import CompareConfig
from magdi_cli.core.protocols import Report
from magdi_cli.core.resampling import averaged_interval, paired_interval
from magdi_cli.core.stats import holm, mcnemar, problems_needed, smallest_shown, wilson_interval
from magdi_cli.evaluate.comparison import Average, Better, Comparison, Pair
from magdi_cli.evaluate.reports.comparison import write_comparison
from magdi_cli.evaluate.sides import Judged, Side, read_side

SIGNIFICANT = 0.05


def run(config: CompareConfig, report: Report) -> Comparison:
    """Compare the stored verdicts of A and B, problem by problem."""
    if not config.a or not config.b:
        raise UsageProblem("magdi compare takes two subjects: magdi compare base graph")
    a, b = read_side(config.a, config.run_dir), read_side(config.b, config.run_dir)
    tasks = _shared_tasks(config, a, b)
    pairs = {task: _joined(task, a, b, report) for task in tasks}
    compared = [_compared(task, *pairs[task], config) for task in tasks]
    comparison = Comparison(
        a=a.name, b=b.name, tasks=_judged(compared, a, b), average=_average(compared, pairs, config)
    )
    if config.markdown is not None:
        write_comparison(config.markdown, comparison)
        report.note(f"Markdown: {config.markdown}")
    return comparison


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """What the seeds of one side made of the problems that both have."""

    problems: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    """A row for each seed: 1 for every problem answered right, 0 for the others."""

    @property
    def shares(self) -> list[float]:
        """How often each problem was answered right."""
        return [fmean(column) for column in zip(*self.rows, strict=True)]


def _shared_tasks(config: CompareConfig, a: Side, b: Side) -> list[str]:
    shared = [task for task in a.tasks if task in b.tasks]
    wanted = [name.strip() for name in config.task.split(",")] if config.task else shared
    there = f"{a.name} has {', '.join(a.tasks)}; {b.name} has {', '.join(b.tasks)}"
    if missing := [task for task in wanted if task not in shared]:
        raise DataProblem(f"not evaluated by both: {', '.join(missing)}; {there}")
    if not wanted:
        raise DataProblem(f"{a.name} and {b.name} have no task in common: {there}")
    return wanted


def _joined(task: str, a: Side, b: Side, report: Report) -> tuple[Joined, Joined, int]:
    """Both sides on the problems that all have, and how many others there are."""
    seeds = [*a.on(task), *b.on(task)]
    shared = [problem for problem in seeds[0] if all(problem in seed for seed in seeds)]
    everything = set[str]().union(*seeds)
    if not shared:
        raise DataProblem(f"{a.name} and {b.name} have no problem of {task} in common; evaluate both on the same split")
    _check_same(task, shared, seeds)
    if left_out := len(everything) - len(shared):
        report.warn(f"{task}: {left_out} of {len(everything)} problems are left out, as only some have answered them")
    return _side(shared, a.on(task)), _side(shared, b.on(task)), left_out


def _check_same(task: str, shared: Sequence[str], seeds: Sequence[Mapping[str, Judged]]) -> None:
    for problem in shared:
        if len({seed[problem].asked for seed in seeds}) > 1:
            raise DataProblem(f"{task}: problem {problem!r} has another question or gold answer on the other side")


def _side(problems: Sequence[str], seeds: Sequence[Mapping[str, Judged]]) -> Joined:
    rows = tuple(tuple(float(seed[problem].correct) for problem in problems) for seed in seeds)
    return Joined(problems=tuple(problems), rows=rows)


def _compared(task: str, a: Joined, b: Joined, left_out: int, config: CompareConfig) -> Pair:
    n = len(a.problems)
    lost, gained = _flips(a, b)
    single = len(a.rows) == len(b.rows) == 1
    right_a, right_b = sum(a.shares), sum(b.shares)
    both = round(sum(x * y for x, y in zip(a.shares, b.shares, strict=True)))
    difference = (right_b - right_a) / n
    # with several seeds: how often an answer of the one and an answer of the other differ in their verdict
    discordant = fmean(x * (1 - y) + y * (1 - x) for x, y in zip(a.shares, b.shares, strict=True))
    return Pair(
        task=task,
        n=n,
        left_out=left_out,
        seeds_a=len(a.rows),
        seeds_b=len(b.rows),
        accuracy_a=right_a / n,
        interval_a=wilson_interval(round(right_a), n) if len(a.rows) == 1 else None,
        accuracy_b=right_b / n,
        interval_b=wilson_interval(round(right_b), n) if len(b.rows) == 1 else None,
        difference=difference,
        interval=paired_interval(a.rows, b.rows, seed=config.seed, resamples=config.resamples),
        both=both if single else None,
        only_a=len(lost) if single else None,
        only_b=len(gained) if single else None,
        neither=n - both - len(lost) - len(gained) if single else None,
        p_value=mcnemar(len(lost), len(gained)) if single else None,
        p_adjusted=None,
        smallest_shown=smallest_shown(n, max(discordant, 1 / n)),
        problems_needed=problems_needed(difference, discordant),
        better="unclear",
        verdict="",
        lost=tuple(lost),
        gained=tuple(gained),
    )


def _flips(a: Joined, b: Joined) -> tuple[list[str], list[str]]:
    """The problems that A, and that B, answered right more often than the other."""
    shares = list(zip(a.problems, a.shares, b.shares, strict=True))
    return [name for name, x, y in shares if x > y], [name for name, x, y in shares if y > x]


def _judged(pairs: Sequence[Pair], a: Side, b: Side) -> tuple[Pair, ...]:
    """The pairs with their verdicts: by McNemar's test over all tasks, or for several seeds by the interval."""
    tested = [pair for pair in pairs if pair.p_value is not None]
    adjusted = dict(zip((pair.task for pair in tested), holm([pair.p_value or 0.0 for pair in tested]), strict=True))
    return tuple(_with_verdict(replace(pair, p_adjusted=adjusted.get(pair.task)), a.name, b.name) for pair in pairs)


def _with_verdict(pair: Pair, a: str, b: str) -> Pair:
    if pair.p_adjusted is not None:
        clear = pair.p_adjusted < SIGNIFICANT
    else:
        clear = pair.interval is not None and not pair.interval[0] <= 0 <= pair.interval[1]
    if not clear:
        return replace(pair, verdict=_unclear(pair))
    better: Better = "b" if pair.difference > 0 else "a"
    return replace(pair, better=better, verdict=f"{b if better == 'b' else a} is better")


def _unclear(pair: Pair) -> str:
    told = f"too few problems to tell: {pair.n:,} show differences from about {100 * pair.smallest_shown:.1f} points on"
    if pair.problems_needed is None:
        return told
    return f"{told}; the {100 * abs(pair.difference):.1f} seen here would need about {pair.problems_needed:,}"


def _average(
    compared: Sequence[Pair], pairs: Mapping[str, tuple[Joined, Joined, int]], config: CompareConfig
) -> Average | None:
    if len(compared) < 2:
        return None
    rows = [(pairs[pair.task][0].rows, pairs[pair.task][1].rows) for pair in compared]
    return Average(
        accuracy_a=fmean(pair.accuracy_a for pair in compared),
        accuracy_b=fmean(pair.accuracy_b for pair in compared),
        difference=fmean(pair.difference for pair in compared),
        interval=averaged_interval(rows, seed=config.seed, resamples=config.resamples),
    )
