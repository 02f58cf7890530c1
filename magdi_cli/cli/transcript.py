"""Debates drawn as a person would want to read them: the list of a run, or one from question to vote."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from magdi_cli.cli.bars import cropped
from magdi_cli.engines.meter import dollars

Document = Mapping[str, Any]

WIDEST_TEXT = 120
"""Columns beyond which lines of prose are hard to read."""
INDENT = 4
GAP = 2
SHORTEST_QUESTION = 16
"""Columns of the question for which other columns are left out."""
NARROWEST_QUESTION = 6

STYLES: Mapping[str, str] = {
    "right": "green",
    "wrong": "red",
    "corrected": "green",
    "corrupted": "red",
    "changed": "yellow",
    "failed": "yellow",
    "unreadable": "yellow",
}
"""Colours; every word stands in the text as well."""
STOPPED: Mapping[str, str] = {
    "agreement": "agreement",
    "stable": "settled",
    "rounds": "last round",
}
"""How a debate ended, in words for the list."""
ENDED: Mapping[str, str] = {
    "agreement": "all agreed",
    "stable": "no open vote could change the result",
    "rounds": "the rounds were used up",
}


def view(document: Document, width: int) -> RenderableType:
    """A document of `magdi show`, in so many columns."""
    if document["shows"] == "debates":
        return _list(document, width)
    return Constrain(Group(*_transcript(document)), min(width, WIDEST_TEXT))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column of the list."""

    title: str
    text: Callable[[Document], str]
    justify: Literal["left", "right"] = "left"
    dispensable: int = 0
    """When there is no room, the columns with the highest number go first; 0 stays."""
    widest: int = 24


QUESTION = _Column(title="question", text=lambda row: row["question"], widest=1000)
COLUMNS = (
    _Column(title="#", text=lambda row: str(row["number"]), justify="right"),
    _Column(title="id", text=lambda row: row["id"], dispensable=3),
    QUESTION,
    _Column(title="rounds", text=lambda row: str(row["rounds"]), justify="right", dispensable=1),
    _Column(title="ended by", text=lambda row: STOPPED.get(row["stopped"], row["stopped"]), dispensable=2),
    _Column(title="team", text=lambda row: _answer(row["answer"]), justify="right"),
    _Column(title="gold", text=lambda row: row["gold"], justify="right"),
    _Column(title="", text=lambda row: _mark(row["correct"])),
    _Column(title="changed", text=lambda row: _seats(row["changed"]), dispensable=1),
)


def _list(document: Document, width: int) -> RenderableType:
    rows = document["rows"]
    total = document["debates"]
    share = f"{document['right'] / total:.0%}"
    summary = f"{_count(total, 'debate')}, {document['right']} right ({share}), {document['agreed']} in agreement"
    if document["filters"]:
        summary += f"; {_count(len(rows), 'debate')} {' and '.join(_FILTERED[name] for name in document['filters'])}"
    if not rows:
        return Text(summary)
    hint = f"magdi show {shlex.quote(document['run'])} '#{rows[0]['number']}' reads one of them"
    return Group(Text(summary), "", *_table(rows, width), "", Text(hint))


_FILTERED: Mapping[str, str] = {"wrong": "wrong", "changed": "with a change of mind"}


def _table(rows: Sequence[Document], width: int) -> Iterator[Text]:
    """A heading and a line for each row; rich's own tables take seconds for thousands of rows."""
    columns = _fitting(rows, width)
    yield _row([Text(column.title, "bold") for column, _ in columns], columns)
    for row in rows:
        yield _row([_styled(_cell(column, row, room)) for column, room in columns], columns)


def _row(cells: Sequence[Text], columns: Sequence[tuple[_Column, int]]) -> Text:
    line = Text(no_wrap=True, overflow="crop")
    for cell, (column, room) in zip(cells, columns, strict=True):
        blank = " " * (room - cell.cell_len)
        line.append_text(cell if column.justify == "left" else Text(blank) + cell)
        line.append((blank if column.justify == "left" else "") + " " * GAP)
    line.rstrip()
    return line


def _fitting(rows: Sequence[Document], width: int) -> list[tuple[_Column, int]]:
    """The columns for which there is room beside the question, and how wide each is."""
    columns = list(COLUMNS)
    needs = {c.title: max(cell_len(c.title), *(cell_len(_cell(c, row, c.widest)) for row in rows)) for c in COLUMNS}
    while True:
        room = width - sum(needs[c.title] + GAP for c in columns if c is not QUESTION)
        first_to_go = max(columns, key=lambda column: column.dispensable)
        if room >= SHORTEST_QUESTION or not first_to_go.dispensable:
            needs[QUESTION.title] = min(needs[QUESTION.title], max(room, NARROWEST_QUESTION))
            return [(column, needs[column.title]) for column in columns]
        columns.remove(first_to_go)


def _cell(column: _Column, row: Document, room: int) -> str:
    return cropped(column.text(row), room)


def _transcript(document: Document) -> Iterator[RenderableType]:
    debate = document["debate"]
    problem = debate["problem"]
    yield Text(_inline(f"Debate #{document['number']}: {problem['id']} ({problem['task']})"), style="bold")
    yield ""
    yield Text(problem["question"])
    for position, choice in enumerate(problem["choices"]):
        yield _hanging(f"{chr(ord('A') + position)}  ", choice)
    yield Text(_inline(f"Gold: {problem['gold']}"))
    turns = enumerate(zip(debate["turns"], document["readings"], strict=True))
    changes = {change["turn"]: change for change in document["changes"]}
    for number, round_turns in groupby(turns, key=lambda item: item[1][0]["round"]):
        yield ""
        yield Text(_round_title(number, document), style="bold")
        for index, (turn, reading) in round_turns:
            yield ""
            yield from _turn(turn, reading, changes.get(index), debate)
    yield ""
    yield from _vote(document)


def _round_title(number: int, document: Document) -> str:
    judge, full_round = document["vote"]["judge"], document["vote"]["round"]
    if judge is not None and number > full_round:
        return f"Verdict: {judge} judges alone"
    return f"Round {number}" + (": everybody alone" if number == 0 else "")


def _turn(turn: Document, reading: Document, change: Document | None, debate: Document) -> Iterator[RenderableType]:
    yield _turn_title(turn, reading["outcome"], change)
    if not reading["shown_all"]:
        yield _indented(_shown(turn, debate))
    yield _indented(turn["error"] or turn["text"].strip() or "(no text)")


def _turn_title(turn: Document, outcome: str, change: Document | None) -> Text:
    title = Text.assemble((turn["agent"], "bold"), ": ")
    if outcome == "failed":
        return title.append("the call failed", STYLES[outcome])
    if outcome == "unreadable":
        title.append("no answer could be read", STYLES[outcome])
    else:
        title.append(_inline(turn["answer"])).append(", ").append(outcome, STYLES[outcome])
    if turn["confidence"] is not None:
        title.append(f", confidence {turn['confidence']:g}")
    if change is not None:
        title.append(
            f"; changed from {_inline(change['before'])} to {_inline(change['after'])}", STYLES[change["kind"]]
        )
        if change["kind"] != "changed":
            title.append(f": {change['kind']}", STYLES[change["kind"]])
    return title


def _shown(turn: Document, debate: Document) -> str:
    """Whose turns a seat was shown, where it was not simply the whole round before."""
    if not turn["parents"]:
        return "(was shown nobody's turn)"
    shown = [debate["turns"][parent] for parent in turn["parents"]]
    names = [
        ("its own" if other["agent"] == turn["agent"] else other["agent"])
        + ("" if other["round"] == turn["round"] - 1 else f" of round {other['round']}")
        for other in shown
    ]
    return f"(was shown: {', '.join(names)})"


def _vote(document: Document) -> Iterator[RenderableType]:
    vote, debate = document["vote"], document["debate"]
    yield Text(f"Vote of round {vote['round']}", style="bold")
    for group in vote["groups"]:
        voices = ", ".join(
            f"{agent} {weight:g}" for agent, weight in zip(group["agents"], group["weights"], strict=True)
        )
        mark = _mark(group["correct"])
        line = Text.assemble(
            f"{_inline(group['answer'])}, ", (mark, STYLES[mark]), f": weight {group['weight']:g} ({voices})"
        )
        yield Padding(line, (0, 0, 0, INDENT))
    if vote["silent"]:
        yield _indented(f"no vote: {', '.join(vote['silent'])}")
    yield ""
    yield _team(document)
    rounds = _count(vote["round"], "discussion round")
    yield Text(f"Ended after {rounds}: {ENDED.get(debate['stopped'], debate['stopped'])}.")
    yield Text(_cost(document["usage"]))


def _team(document: Document) -> Text:
    mark = _mark(document["correct"])
    answer, gold = document["debate"]["answer"], document["debate"]["problem"]["gold"]
    if answer is None:
        return Text.assemble(("Team answer: ", "bold"), "none, ", (mark, STYLES[mark]), f" (gold {gold}).")
    beside = "" if document["correct"] else f" (gold {gold})"
    return Text.assemble(
        ("Team answer: ", "bold"), f"{_inline(answer)}, ", (mark, STYLES[mark]), f"{beside}{_decided(document)}."
    )


def _decided(document: Document) -> str:
    """By what the team's answer was decided, where the weights alone do not say so."""
    vote = document["vote"]
    if vote["judge"] is not None:
        read = document["readings"][-1]["outcome"] in ("right", "wrong")
        return f"; {vote['judge']}'s verdict" if read else f"; {vote['judge']}'s verdict could not be read, so the vote"
    if vote["groups"] and not vote["groups"][0]["team"]:
        return "; not the heaviest: this run counted its votes in another way"
    return ""


def _cost(usage: Document) -> str:
    read, written = usage["prompt_tokens"], usage["completion_tokens"]
    return (
        f"{_count(usage['calls'], 'call')}, {read + written:,} tokens "
        f"({read:,} read, {written:,} written), {dollars(usage['cost_usd'])}"
    )


def _indented(text: str) -> Padding:
    return Padding(Text(text), (0, 0, 0, INDENT))


def _hanging(mark: str, text: str) -> Table:
    line = Table.grid()
    line.add_row(Text(mark), Text(text))
    return line


def _styled(text: str) -> Text:
    return Text(text, style=STYLES.get(text, ""))


def _answer(answer: str | None) -> str:
    return "none" if answer is None else answer


def _inline(text: str) -> str:
    """The text on one line, so that nobody's answer looks like a turn of somebody else."""
    return " ".join(text.split())


def _mark(correct: bool) -> str:
    return "right" if correct else "wrong"


def _seats(changed: int) -> str:
    return _count(changed, "seat") if changed else "nobody"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
