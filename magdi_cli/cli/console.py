"""What a person sees: progress and messages on stderr, results as tables on stdout."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

SECONDS_BETWEEN_LINES = 30.0
PLAIN_WIDTH = 120
"""Columns of a table that goes into a file or a pipe."""


class ConsoleReport:
    """A stage's `Report` on stderr: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._bars = self._console.is_terminal and "CI" not in os.environ

    def note(self, message: str) -> None:
        """A line, unless --quiet."""
        if not self._quiet:
            self._console.print(message, markup=False, soft_wrap=True)

    def warn(self, message: str) -> None:
        """A line that begins with `warning:`."""
        self._console.print(f"warning: {message}", markup=False, style="yellow", soft_wrap=True)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[str], None]]:
        """A moving bar, or a line every half minute where nothing can move."""
        if self._quiet:
            yield _unmoved
        elif self._bars:
            with self._bar() as bar:
                task = bar.add_task(label, total=total, status="")
                yield lambda status: bar.update(task, advance=1, status=status)
        else:
            yield _Lines(self.note, label, total).advance

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[status]}"),
            console=self._console,
            transient=True,
        )


def _unmoved(_status: str) -> None:
    """Progress that nobody wants to see."""


class _Lines:
    """Progress as plain lines."""

    def __init__(self, note: Callable[[str], None], label: str, total: int | None) -> None:
        self._note, self._label = note, label
        self._of = "" if total is None else f" of {total}"
        self._done = 0
        self._last = time.monotonic()

    def advance(self, status: str) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            self._note(f"{self._label}: {self._done}{self._of} {status}".rstrip())


def show_error(message: str) -> None:
    """The line a failed command ends with."""
    Console(stderr=True, highlight=False).print(f"error: {message}", markup=False, style="red", soft_wrap=True)


def rendered(document: Mapping[str, Any], *, terminal: bool) -> bytes:
    """A result document as tables: its plain values first, then a table for each list of rows."""
    buffer = StringIO()
    # a terminal's own width and colours; a pipe gets wide plain text
    console = Console(
        file=buffer, force_terminal=terminal, width=None if terminal else PLAIN_WIDTH, highlight=False, markup=False
    )
    facts = Table.grid(padding=(0, 2))
    for key, value in document.items():
        if key != "schema" and not _is_rows(value):
            facts.add_row(key.replace("_", " "), _text(value))
    console.print(facts)
    for key, value in document.items():
        if _is_rows(value):
            console.print(_table(key, list(value.values()) if isinstance(value, dict) else value))
    return buffer.getvalue().encode(sys.stdout.encoding or "utf-8", errors="replace")


def _is_rows(value: object) -> bool:
    values = list(value.values()) if isinstance(value, dict) else value
    return isinstance(values, list) and bool(values) and all(isinstance(item, dict) for item in values)


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title.replace("_", " "), title_justify="left")
    for key, value in rows[0].items():
        numeric = isinstance(value, int | float | list)
        table.add_column(key.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    return table


def _text(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
        case dict():
            return ", ".join(f"{key.replace('_', ' ')} {_text(item)}" for key, item in value.items())
        case list():
            return f"[{', '.join(_text(item) for item in value)}]"
        case _:
            return str(value)
