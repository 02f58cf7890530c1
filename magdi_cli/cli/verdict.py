"""What `magdi verify` says: right or wrong first, then why."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]


def view(document: Document, _width: int) -> RenderableType:
    """A verdict, and the steps that led to it where they were asked for."""
    correct = document["correct"]
    head = Text("right" if correct else "wrong", style="bold green" if correct else "bold red")
    answer = "no answer" if document["answer"] is None else f"{document['answer']} (by {document['rule']})"
    facts = Table.grid(padding=(0, 2))
    for name, value in (("gold", document["gold"]), ("answer", answer), ("decided by", document["method"])):
        facts.add_row(name, Text(value, overflow="fold"))
    if not document["steps"]:
        return Group(head, facts)
    steps = Table.grid(padding=(0, 2))
    for step in document["steps"]:
        steps.add_row(step["step"], Text(step["result"], overflow="fold"))
    return Group(head, facts, "", steps)
