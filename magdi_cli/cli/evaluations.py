"""What `magdi evaluate` says: a row for each subject on each task, and below it what a reader should know."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]

OUT_OF_DOMAIN = "*"
"""Beside a task that the student has not learned from."""


def view(document: Document, _width: int) -> RenderableType:
    """One evaluation, or several, in a table."""
    rows = document.get("evaluations", [document])
    return Group(_table(rows), *_notes(rows))


def _table(rows: Sequence[Document]) -> Table:
    several = any(row["self_consistency"] > 1 for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("subject", "task"):
        table.add_column(name, overflow="fold")
    numbers = ["n", "accuracy", "95 %"]
    numbers += ["one sample", "pass@k", "k"] if several else []
    for name in [*numbers, "unanswered", "tokens/question"]:
        table.add_column(name, justify="right")
    for row in rows:
        votes = [_share(row["sample_accuracy"]), _share(row["pass_at_k"]), str(row["self_consistency"])]
        table.add_row(
            row["subject"],
            row["task"] + (f" {OUT_OF_DOMAIN}" if row["out_of_domain"] else ""),
            f"{row['n']:,}",
            _share(row["accuracy"]),
            f"{row['interval'][0]:.3f} - {row['interval'][1]:.3f}",
            *(votes if several else []),
            f"{row['unanswered']:,}",
            f"{row['tokens_per_question']:,.1f}",
        )
    return table


def _notes(rows: Sequence[Document]) -> Iterator[RenderableType]:
    if any(row["out_of_domain"] for row in rows):
        yield Text(f"{OUT_OF_DOMAIN} out of domain: not what the student has learned from")
    for row in rows:
        where = f"{row['subject']} on {row['task']}: " if len(rows) > 1 else ""
        for note in _notes_of(row):
            yield Text(where + note)


def _notes_of(row: Document) -> Iterator[str]:
    if row["self_consistency"] > 1:
        maj = [f"maj@{k} {_share(value)}" for k, value in enumerate(row["maj_at"], start=1) if _is_told(k, row)]
        yield ", ".join(maj)
        yield (
            f"answers of a problem: {row['distinct_answers']:.2f} different, entropy {row['vote_entropy']:.2f} bits; "
            f"{row['tied']:,} tied votes"
        )
    if row["truncated"]:
        yield f"{row['truncated']:,} replies were cut off at --max-tokens; more tokens may find more answers"
    if row["thinking_tokens_per_question"]:
        yield f"{row['thinking_tokens_per_question']:,.1f} of a question's tokens are thoughts, which are not read"
    seconds, tokens = row["usage"]["seconds"], row["usage"]["completion_tokens"]
    if row["start_seconds"] is not None and seconds:
        yield f"{tokens / seconds:,.0f} tokens/s on {row['engine']}, after {row['start_seconds']:.0f} s to start"


def _is_told(k: int, row: Document) -> bool:
    """1, 2, 4, 8, ... and the last: enough to see where the curve goes."""
    return k & (k - 1) == 0 or k == len(row["maj_at"])


def _share(value: float) -> str:
    return f"{value:.3f}"
