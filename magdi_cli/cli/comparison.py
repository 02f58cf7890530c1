"""What `magdi compare` says: both accuracies and their difference, task by task, and in words what follows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]

SHOWN = 5
"""Problems of each kind that a line names."""


def view(document: Document, _width: int) -> RenderableType:
    """A comparison: a table, and a paragraph a task."""
    title = Text(f"A: {document['a']}\nB: {document['b']}")
    return Group(title, _table(document), *(line for pair in document["tasks"] for line in _words(pair, document)))


def _table(document: Document) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("task", overflow="fold")
    for name in ("n", "A", "B", "B - A", "95 %", "only A", "only B", "p"):
        table.add_column(name, justify="right")
    for pair in document["tasks"]:
        table.add_row(
            pair["task"],
            f"{pair['n']:,}",
            _accuracy(pair["accuracy_a"], pair["seeds_a"]),
            _accuracy(pair["accuracy_b"], pair["seeds_b"]),
            f"{pair['difference']:+.3f}",
            _interval(pair["interval"]),
            *("-" if pair[name] is None else f"{pair[name]:,}" for name in ("only_a", "only_b")),
            "-" if pair["p_adjusted"] is None else f"{pair['p_adjusted']:.3g}",
        )
    if mean := document["average"]:
        accuracies = (f"{mean[name]:.3f}" for name in ("accuracy_a", "accuracy_b"))
        table.add_row("mean", "", *accuracies, f"{mean['difference']:+.3f}", _interval(mean["interval"]), "", "", "")
    return table


def _words(pair: Document, document: Document) -> Iterator[RenderableType]:
    where = f"{pair['task']}: " if len(document["tasks"]) > 1 else ""
    yield Text(f"{where}{pair['verdict']}", style="bold")
    for name, told in (("lost", document["a"]), ("gained", document["b"])):
        if pair[name]:
            yield Text(f"  right with {told} only: {_listed(pair[name])}")


def _listed(problems: Sequence[str]) -> str:
    more = f" and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
    return ", ".join(problems[:SHOWN]) + more


def _accuracy(value: float, seeds: int) -> str:
    return f"{value:.3f}" + (f" ({seeds} seeds)" if seeds > 1 else "")


def _interval(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:+.3f} to {interval[1]:+.3f}" if interval else "-"
