"""Progress that moves by itself: one line of a terminal, or a plain line every half minute elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.table import Column, Table
from rich.text import Text

SECONDS_BETWEEN_LINES = 30.0
BAR_WIDTH = 20
NARROWEST_BAR = 5
NARROWEST_STATUS = 8

Status = Callable[[], str]
Advance = Callable[[], None]


@contextmanager
def bar(console: Console, label: str, total: int | None, status: Status) -> Iterator[Advance]:
    """A bar on a terminal; its status is asked anew whenever it is drawn, ten times a second."""
    with Progress(_LineColumn(status), console=console, transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def lines(
    note: Callable[[str], None],
    label: str,
    total: int | None,
    status: Status,
    *,
    every: float = SECONDS_BETWEEN_LINES,
) -> Iterator[Advance]:
    """A line every so many seconds, whether or not something advances, and one at the end."""
    progress = _Lines(note, label, total, status)
    ended = Event()

    def speak() -> None:
        while not ended.wait(every):
            progress.say()

    speaker = Thread(target=speak, name="progress", daemon=True)
    speaker.start()
    try:
        yield progress.advance
    finally:
        ended.set()
        speaker.join()
        progress.say()


class _Lines:
    """Progress in words."""

    def __init__(self, note: Callable[[str], None], label: str, total: int | None, status: Status) -> None:
        self._note, self._label, self._status = note, label, status
        self._of = "" if total is None else f" of {total}"
        self._done = 0
        self._began = time.monotonic()

    def advance(self) -> None:
        self._done += 1

    def say(self) -> None:
        status = self._status()
        said = f"{self._label}: {self._done}{self._of} in {_clock(time.monotonic() - self._began)}"
        self._note(f"{said}, {status}" if status else said)


class _LineColumn(ProgressColumn):
    """A whole line of progress as one column, so that it can decide what a narrow terminal goes without."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._status = status

    def render(self, task: Task) -> "_Line":
        return _Line(task, self._status())


class _Line:
    """Label, bar, count, time and status; too little room takes first the status, then the bar, then the label."""

    def __init__(self, task: Task, status: str) -> None:
        self._task, self._status = task, status

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        task = self._task
        count = f"{task.completed:.0f}" + ("" if task.total is None else f"/{task.total:.0f}")
        facts = f"{count} {_clock(task.elapsed or 0.0)}"
        label = cropped(task.description, options.max_width - cell_len(facts) - 1)
        room = options.max_width - cell_len(label) - cell_len(facts) - 2
        width = min(BAR_WIDTH, room)
        line: list[RenderableType] = [Text(label)] if label else []
        if width >= NARROWEST_BAR:
            line.append(BarColumn(width).render(task))
        line += [Text(facts), Text(fitting(self._status, room - width - 1))]
        table = Table.grid(*(Column(no_wrap=True) for _ in line), padding=(0, 1, 0, 0))
        table.add_row(*line)
        yield table


def fitting(status: str, width: int) -> str:
    """As many of a status's comma-separated parts as fit; its first one cropped, where even that is too long."""
    if cell_len(status) <= width:
        return status
    parts = status.split(", ")
    while len(parts) > 1:
        parts.pop()
        if cell_len(kept := ", ".join(parts)) <= width:
            return kept
    return cropped(status, width) if width >= NARROWEST_STATUS else ""


def cropped(text: str, width: int) -> str:
    """The text on one line, with an ellipsis where it is longer than the width."""
    line = " ".join(text.split())
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, width - 1).rstrip() + "…" if width > 1 else ""


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
