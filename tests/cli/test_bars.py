"""Progress on a terminal and in a file."""

import re
from io import StringIO
from threading import Event

import pytest
from rich.cells import cell_len
from rich.console import Console

from magdi_cli.cli.bars import cropped, fitting, lines
from magdi_cli.cli.console import ConsoleReport

STATUS = "3.2 calls/s, 45k tokens, $0.23 (of $5.00), 14 rate-limit waits (62 s)"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def terminal(width: int) -> Console:
    return Console(file=StringIO(), force_terminal=True, width=width, highlight=False, markup=False, emoji=False)


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.fixture
def _on_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI")
    monkeypatch.setenv("TERM", "xterm-256color")


def test_without_a_terminal_lines_come_though_nothing_advances() -> None:
    said: list[str] = []
    third = Event()

    def status() -> str:
        if len(said) == 2:
            third.set()
        return "waiting"

    with lines(said.append, "debates", 100, status, every=0.001) as advance:
        advance()
        assert third.wait(60)
    count = len(said)
    assert count >= 3
    assert all(re.fullmatch(r"debates: [01] of 100 in 0:\d\d:\d\d, waiting", line) for line in said)


def test_without_a_terminal_a_last_line_says_how_far_it_came_even_after_an_error() -> None:
    said: list[str] = []

    def build() -> None:
        with lines(said.append, "graphs", None, str) as advance:
            advance()
            advance()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build()
    assert said == ["graphs: 2 in 0:00:00"]


@pytest.mark.usefixtures("_on_a_desk")
def test_on_a_terminal_the_status_is_asked_again_though_nothing_advances() -> None:
    console = terminal(100)
    asked: list[int] = []
    third = Event()

    def status() -> str:
        asked.append(1)
        if len(asked) == 3:
            third.set()
        return f"asked {len(asked)}"

    with ConsoleReport(quiet=False, console=console).progress("debates", 10, status):
        assert third.wait(60)
    assert "asked 1" in written(console)
    assert "asked 3" in written(console)


@pytest.mark.usefixtures("_on_a_desk")
@pytest.mark.parametrize("width", [200, 100, 60, 40, 20, 8, 1])
def test_a_bar_is_one_line_on_any_terminal(width: int) -> None:
    console = terminal(width)
    with ConsoleReport(quiet=False, console=console).progress("debates [b]", 100, lambda: STATUS) as advance:
        advance()
    drawn = [line for line in re.split(r"[\r\n]+", ESCAPE.sub("", written(console))) if line]
    assert drawn
    assert all(cell_len(line) <= width for line in drawn)
    assert any("100 0:00:0" in line for line in drawn) == (width >= 20)
    assert any("━" in line for line in drawn) == (width >= 40)
    assert any("3.2 calls/s" in line for line in drawn) == (width >= 60)
    assert any("(62 s)" in line for line in drawn) == (width == 200)
    assert written(console).count("\n") <= 1


@pytest.mark.usefixtures("_on_a_desk")
def test_messages_stand_whole_above_the_bar() -> None:
    console = terminal(80)
    report = ConsoleReport(quiet=False, console=console)
    with report.progress("debates", 10) as advance:
        report.note("a [note] :smile:")
        advance()
        report.warn("too fast\x1b]0;x\x07")
    shown = ESCAPE.sub("", written(console)).splitlines()
    assert [line.rpartition("\r")[2] for line in shown if "note" in line] == ["a [note] :smile:"]
    assert [line.rpartition("\r")[2] for line in shown if "warning" in line] == ["warning: too fast␛]0;x␇"]


def test_quiet_silences_progress_and_notes_but_not_warnings() -> None:
    console = Console(file=StringIO(), width=80, markup=False)
    report = ConsoleReport(quiet=True, console=console, seconds_between_lines=0.0001)
    with report.progress("debates", 10) as advance:
        advance()
        report.note("a note")
        report.warn("a warning")
    assert written(console) == "warning: a warning\n"


def test_a_status_loses_its_last_parts_first() -> None:
    assert fitting(STATUS, 100) == STATUS
    assert fitting(STATUS, 45) == "3.2 calls/s, 45k tokens, $0.23 (of $5.00)"
    assert fitting(STATUS, 11) == "3.2 calls/s"
    assert fitting(STATUS, 9) == "3.2 call…"
    assert fitting(STATUS, 5) == ""
    assert fitting(STATUS, -3) == ""


def test_cropping_counts_columns_not_characters() -> None:
    assert cropped("中中中中", 5) == "中中…"
    assert cropped("a\n b", 5) == "a b"
    assert [cropped("long", width) for width in (4, 3, 1, 0, -2)] == ["long", "lo…", "", "", ""]
