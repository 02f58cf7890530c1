"""What a person sees: progress and messages on stderr, results as tables on stdout."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table

from magdi_cli.cli.bars import SECONDS_BETWEEN_LINES, bar, lines
from magdi_cli.cli.harmless import harmless, harmless_document
from magdi_cli.core.secrets import without_secrets

PLAIN_WIDTH = 120
"""Columns of a table that goes into a file or a pipe."""

View = Callable[[Mapping[str, Any], int], RenderableType]
"""Draws a result document for people, in so many columns."""


class ConsoleReport:
    """A stage's `Report` on stderr: a bar on a terminal, a line now and then elsewhere."""

    def __init__(
        self, *, quiet: bool, console: Console | None = None, seconds_between_lines: float = SECONDS_BETWEEN_LINES
    ) -> None:
        self._quiet = quiet
        self._console = console or _stderr()
        self._bars = self._console.is_interactive and "CI" not in os.environ
        self._every = seconds_between_lines

    def note(self, message: str) -> None:
        """A line, unless --quiet."""
        if not self._quiet:
            self._console.print(_shown(message), soft_wrap=True)

    def warn(self, message: str) -> None:
        """A line that begins with `warning:`."""
        self._console.print(f"warning: {_shown(message)}", style="yellow", soft_wrap=True)

    @contextmanager
    def progress(self, label: str, total: int | None, status: Callable[[], str] = str) -> Iterator[Callable[[], None]]:
        """A moving bar, or a line every half minute where nothing can move; both ask for the status at any time."""
        if self._quiet:
            yield _unmoved
        elif self._bars:
            with bar(self._console, label, total, status) as advance:
                yield advance
        else:
            with lines(self.note, label, total, status, every=self._every) as advance:
                yield advance


def silent_report() -> ConsoleReport:
    """A report that nobody hears: another process tells the same."""
    return ConsoleReport(quiet=True, console=Console(quiet=True))


def _unmoved() -> None:
    """Progress that nobody wants to see."""


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def show_error(message: str) -> None:
    """The line a failed command ends with."""
    _stderr().print(f"error: {_shown(message)}", style="red", soft_wrap=True)


def show_plainly(text: str) -> None:
    """Text on stderr as it is, but for secrets and what moves a cursor."""
    _stderr().print(_shown(text), soft_wrap=True)


def _shown(text: str) -> str:
    return harmless(without_secrets(text))


def rendered(document: Mapping[str, Any], view: View | None = None, *, terminal: bool) -> bytes:
    """A result document drawn for people: with a terminal's own width and colours, or as wide plain text."""
    buffer = StringIO()
    console = Console(
        file=buffer,
        force_terminal=terminal,
        width=None if terminal else PLAIN_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
    safe: Any = harmless_document(document)
    console.print((view or tables)(safe, console.width))
    shown = buffer.getvalue()
    if not terminal:
        shown = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    return shown.encode(sys.stdout.encoding or "utf-8", errors="replace")


def tables(document: Mapping[str, Any], _width: int) -> RenderableType:
    """The plain values of a document, then a table for each of its lists of rows."""
    facts = Table.grid(padding=(0, 2))
    for key, value in document.items():
        if key != "schema" and value != [] and not _is_rows(value):
            facts.add_row(_name(key), _text(value, key))
    rows = {key: value for key, value in document.items() if _is_rows(value)}
    return Group(
        facts, *(_table(key, list(value.values()) if isinstance(value, dict) else value) for key, value in rows.items())
    )


def _is_rows(value: object) -> bool:
    values = list(value.values()) if isinstance(value, dict) else value
    return isinstance(values, list) and bool(values) and all(isinstance(item, dict) for item in values)


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title.replace("_", " "), title_justify="left")
    for key in rows[0]:
        numeric = any(isinstance(row[key], int | float | list) for row in rows)
        # a name that is too long goes on in the next line: it may be there to be copied
        table.add_column(_name(key), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(value, key) for key, value in row.items()))
    return table


def _name(key: str) -> str:
    """A key in words; that an amount is in dollars is said by its sign."""
    return key.removesuffix("_usd").replace("_", " ")


def _text(value: object, key: str = "") -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _dollars(value) if key.endswith("_usd") else _number(value)
        case dict():
            return ", ".join(f"{_name(name)} {_text(item, name)}" for name, item in value.items())
        case list():
            return f"[{', '.join(_text(item) for item in value)}]"
        case _:
            return str(value)


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if 0 < abs(value) < 0.0005:
        return f"{value:.0e}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"


def _dollars(amount: float) -> str:
    if 0 < amount < 0.0001:
        return "<$0.0001"
    return f"${amount:.4f}" if 0 < amount < 0.1 else f"${amount:,.2f}"
