"""`--markdown FILE`: a comment for a pull request.

Whatever comes from outside (names, questions, answers) stands in `<code>`, and what could mean something to Markdown or
HTML stands there as a numeric reference: it breaks no table and injects no markup, and GitHub makes no mention, emoji
or formula of it. The whole is shorter than a comment may be, whatever it is about.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from magdi_cli.core.evaluation import Evaluation, Prediction
from magdi_cli.core.printable import one_line
from magdi_cli.core.records import replacing
from magdi_cli.evaluate.evaluated import Evaluated
from magdi_cli.evaluate.gates import Gate, Gates
from magdi_cli.evaluate.reports.wrong import predictions
from magdi_cli.tasks.prompts import question_text

MARK = "<!-- magdi evaluate -->"
"""By this a bot finds the comment that it wrote before."""
OUT_OF_DOMAIN = "†"
MOST_WRONG = 10
LONGEST_NAME = 60
LONGEST_ANSWER = 60
LONGEST_QUESTION = 300
LONGEST_MESSAGE = 400
TABLE, GATES, WARNINGS, WRONG = 26_000, 12_000, 6_000, 18_000
"""Characters that each part may take; together below 65,000, since GitHub takes no comment beyond 65,536."""

_MARKUP = re.compile(r"[!#$&*:<>@\[-`{-~]|(?<=www)\.", re.IGNORECASE)
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNKNOWN = "-"


def write_markdown(path: Path, evaluated: Sequence[Evaluated], gates: Gates) -> None:
    """Write the comment in place of a file."""
    with replacing(path) as handle:
        handle.write(comment(evaluated, gates).encode())


def comment(evaluated: Sequence[Evaluated], gates: Gates) -> str:
    """The comment's text."""
    rows = [Row(new=one.evaluation, old=gates.earlier(one.evaluation)) for one in evaluated]
    parts = [MARK, f"## {_title(gates)}", *_table(rows, gates), *_footnotes(rows), *_gates(gates), *_wrong(evaluated)]
    return "\n\n".join(parts) + "\n"


def code(text: str, *, most: int) -> str:
    """The text on one line, shown literally."""
    plain = one_line(_DIRECTION.sub("", text), most=most)
    return f"<code>{_MARKUP.sub(lambda sign: f'&#{ord(sign[0])};', plain)}</code>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table."""

    new: Evaluation
    old: Evaluation | None
    """What it is compared with."""


def _title(gates: Gates) -> str:
    if not gates.gates:
        return "magdi evaluate"
    if failed := len(gates.failures):
        return f"magdi evaluate: {failed} of {len(gates.gates)} gates failed"
    return f"magdi evaluate: {'all gates hold' if len(gates.gates) > 1 else 'the gate holds'}"


def _accuracy(row: Row) -> str:
    low, high = row.new.interval
    return f"**{row.new.accuracy:.3f}** ({low:.3f} to {high:.3f})"


def _change(row: Row) -> str:
    if row.old is None:
        return _UNKNOWN
    change = row.new.correct / max(row.new.n, 1) - row.old.correct / row.old.n
    sign = "±" if round(change, 3) == 0 else "+" if change > 0 else "-"
    return f"{sign}{abs(change):.3f} (was {row.old.accuracy:.3f})"


def _vote(row: Row, curve: tuple[float, ...], otherwise: float) -> str:
    return f"{curve[-1] if curve else otherwise:.3f}" if row.new.self_consistency > 1 else _UNKNOWN


_FIRST: Mapping[str, Callable[[Row], str]] = MappingProxyType(
    {
        "subject": lambda row: code(row.new.subject, most=LONGEST_NAME),
        "task": lambda row: code(row.new.task, most=LONGEST_NAME) + (OUT_OF_DOMAIN if row.new.out_of_domain else ""),
        "n": lambda row: f"{row.new.n:,}",
        "accuracy (95 %)": _accuracy,
    }
)
_COMPARED: Mapping[str, Callable[[Row], str]] = MappingProxyType({"change": _change})
_VOTES: Mapping[str, Callable[[Row], str]] = MappingProxyType(
    {
        "k": lambda row: str(row.new.self_consistency),
        "one sample": lambda row: f"{row.new.sample_accuracy:.3f}",
        "maj@k": lambda row: _vote(row, row.new.maj_at, row.new.accuracy),
        "pass@k": lambda row: _vote(row, row.new.pass_at, row.new.pass_at_k),
    }
)
_LAST: Mapping[str, Callable[[Row], str]] = MappingProxyType(
    {
        "unanswered": lambda row: f"{row.new.unanswered:,}",
        "cut off": lambda row: f"{row.new.truncated:,}",
        "tokens/question": lambda row: f"{row.new.tokens_per_question:,.1f}",
    }
)


def _table(rows: Sequence[Row], gates: Gates) -> Iterator[str]:
    several = any(row.new.self_consistency > 1 for row in rows)
    columns = {**_FIRST, **(_COMPARED if gates.before is not None else {}), **(_VOTES if several else {}), **_LAST}
    head = [_line(columns), _line(["---", "---", *["---:"] * (len(columns) - 2)])]
    lines = (_line(cell(row) for cell in columns.values()) for row in rows)
    kept, left_out = _within(lines, TABLE)
    yield "\n".join([*head, *kept])
    if left_out:
        yield f"{left_out:,} more rows are left out."


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _within(lines: Iterable[str], most: int) -> tuple[list[str], int]:
    """The lines that fit into so many characters, and how many do not."""
    kept: list[str] = []
    left_out = 0
    for line in lines:
        most -= len(line) + 1
        if most < 0:
            left_out += 1
        else:
            kept.append(line)
    return kept, left_out


def _footnotes(rows: Sequence[Row]) -> Iterator[str]:
    if any(row.new.out_of_domain for row in rows):
        yield f"{OUT_OF_DOMAIN} out of domain: not what the student has learned from"


def _gates(gates: Gates) -> Iterator[str]:
    for title, lines, most in (
        ("Gates", [_gate(gate) for gate in sorted(gates.gates, key=lambda gate: gate.failure is None)], GATES),
        ("To be read with care", [f"- {code(text, most=LONGEST_MESSAGE)}" for text in gates.warnings], WARNINGS),
    ):
        kept, left_out = _within(lines, most)
        if left_out:
            kept.append(f"- {left_out:,} more")
        if kept:
            yield f"### {title}"
            yield "\n".join(kept)


def _gate(gate: Gate) -> str:
    if gate.failure is not None:
        return f"- ❌ failed: {code(gate.failure, most=LONGEST_MESSAGE)}"
    subject, task = gate.pair
    bar, *rest = (code(text, most=LONGEST_NAME) for text in (gate.name, subject, task))
    return f"- ✅ passed: {bar}, {' on '.join(rest)}"


def _wrong(evaluated: Sequence[Evaluated]) -> Iterator[str]:
    """A few wrong answers of each evaluation, folded away."""
    total = sum(one.evaluation.n - one.evaluation.correct for one in evaluated)
    share = max(1, MOST_WRONG // max(1, len(evaluated)))
    examples = (line for one in evaluated for line in _examples(one, share))
    lines, _ = _within(islice(examples, MOST_WRONG), WRONG)
    if lines:
        head = [_line(["subject", "task", "problem", "question", "gold", "answer"]), _line(["---"] * 6)]
        yield f"<details>\n<summary>{len(lines)} of {total:,} wrong answers</summary>"
        yield "\n".join([*head, *lines])
        yield "</details>"


def _examples(one: Evaluated, most: int) -> Iterator[str]:
    if one.evaluation.correct < one.evaluation.n:
        wrong = (prediction for prediction in predictions(one.folder) if not prediction.correct)
        yield from (_example(one.evaluation, prediction) for prediction in islice(wrong, most))


def _example(evaluation: Evaluation, prediction: Prediction) -> str:
    problem, answer = prediction.problem, prediction.answer
    names = (code(text, most=LONGEST_NAME) for text in (evaluation.subject, evaluation.task, problem.id))
    return _line(
        [
            *names,
            code(question_text(problem), most=LONGEST_QUESTION),
            code(problem.gold, most=LONGEST_ANSWER),
            "none" if answer is None else code(answer, most=LONGEST_ANSWER),
        ]
    )
