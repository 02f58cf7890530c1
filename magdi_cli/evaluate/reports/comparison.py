"""`magdi compare --markdown FILE`: a comment for a pull request."""

from collections.abc import Iterator
from pathlib import Path

from magdi_cli.core.records import replacing
from magdi_cli.evaluate.comparison import Average, Comparison, Pair
from magdi_cli.evaluate.reports.markdown import LONGEST_NAME, code

MARK = "<!-- magdi compare -->"
"""By this a bot finds the comment that it wrote before."""
HEAD = ("task", "n", "A", "B", "difference (95 %)", "only A right", "only B right", "p", "verdict")


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the comment in place of a file."""
    with replacing(path) as handle:
        handle.write(("\n".join(_lines(comparison)) + "\n").encode())


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from (MARK, "", f"## {code(comparison.a, most=LONGEST_NAME)} and {code(comparison.b, most=LONGEST_NAME)}", "")
    yield from (_row(HEAD), _row(("---",) * len(HEAD)))
    for pair in comparison.tasks:
        yield _row(_cells(pair, comparison))
    if comparison.average is not None:
        yield _row(_average(comparison.average))
    yield from ("", "A is the first, B the second; p: McNemar's exact test, adjusted for the number of tasks (Holm).")


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(pair: Pair, comparison: Comparison) -> tuple[str, ...]:
    names = {"a": comparison.a, "b": comparison.b}
    better = f"{code(names[pair.better], most=LONGEST_NAME)} is better" if pair.better in names else pair.verdict
    return (
        code(pair.task, most=LONGEST_NAME),
        f"{pair.n:,}",
        _accuracy(pair.accuracy_a, pair.seeds_a),
        _accuracy(pair.accuracy_b, pair.seeds_b),
        _difference(pair.difference, pair.interval),
        "-" if pair.only_a is None else f"{pair.only_a:,}",
        "-" if pair.only_b is None else f"{pair.only_b:,}",
        "-" if pair.p_adjusted is None else f"{pair.p_adjusted:.3g}",
        better,
    )


def _average(average: Average) -> tuple[str, ...]:
    return (
        "**mean**",
        "",
        f"{average.accuracy_a:.3f}",
        f"{average.accuracy_b:.3f}",
        _difference(average.difference, average.interval),
        *("",) * 4,
    )


def _accuracy(value: float, seeds: int) -> str:
    return f"{value:.3f}" + (f" ({seeds} seeds)" if seeds > 1 else "")


def _difference(value: float, interval: tuple[float, float] | None) -> str:
    return f"{value:+.3f}" + (f" ({interval[0]:+.3f} to {interval[1]:+.3f})" if interval else "")
