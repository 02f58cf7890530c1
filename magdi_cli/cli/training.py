"""What `magdi distill` says: the student it made, or, looking ahead, its plan, its labels or its gradients."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from magdi_cli.cli.console import tables

Document = Mapping[str, Any]

INDENT = 4
BOUNDARY = "│"
"""Between two tokens of a completion."""
LINE_END = "↵"
"""Before a line break that is part of a token."""
STYLES: Mapping[str, str] = {"prompt": "dim", "learned": "green", "read": "yellow", "boundary": "dim"}
"""Colours; what is learned is said in words as well."""
PARTS_OF_A_REHEARSAL = ("material", "sharings", "parameters", "memory", "first_graph", "plan", "trained_parameters")
TENSORS_ONLY = (
    "These are torch's tensors. A process on a CPU holds about 0.6 GB of libraries besides, and may hold up to 1.7 "
    "times its tensors, because the C library keeps pieces of what was freed."
)
ZERO = "0"


def view(document: Document, width: int) -> RenderableType:
    """A result of `magdi distill`, in so many columns."""
    return VIEWS.get(document["schema"], tables)(document, width)


def _student(document: Document, width: int) -> RenderableType:
    return tables({key: value for key, value in document.items() if value is not None}, width)


def _rehearsal(document: Document, width: int) -> RenderableType:
    told = {key: value for key, value in document.items() if key not in PARTS_OF_A_REHEARSAL}
    material = [{"graphs and nodes": row["what"], **row["count"]} for row in document["material"]]
    memory = [*document["memory"]["parts"], {"what": "in all", "formula": "", "bytes": document["memory"]["bytes"]}]
    trained = {"part": "trained in all", "parameters": document["trained_parameters"], "trained": True}
    sections = {
        "material": material,
        "tokens": document["sharings"],
        "parameters": [*document["parameters"], trained],
        "memory at the peak": [
            {"what": row["what"], "MB": row["bytes"] / 1e6, "formula": row["formula"]} for row in memory
        ],
    }
    notes = [Text(TENSORS_ONLY)] if document["device"] == "cpu" else []
    return Group(tables({**told, **sections}, width), *notes, "", *_first_graph(document["first_graph"]))


def _first_graph(graph: Document) -> Iterator[RenderableType]:
    yield Text(f"First graph of the first step: {_line(graph['problem'])}", style="bold")
    yield _title("prompt", graph["prompt_tokens"], "read, not learned", "prompt")
    yield _indented(Text(graph["prompt"], style=STYLES["prompt"]))
    for text in graph["texts"]:
        yield from _labelled(text)


def _labelled(text: Document) -> Iterator[RenderableType]:
    nodes = ", ".join(map(str, text["nodes"]))
    what = f"node{'s' if len(text['nodes']) > 1 else ''} {nodes}, {'correct' if text['correct'] else 'incorrect'}"
    learned = text["learned_tokens"]
    how = f"{'all' if learned == text['tokens'] else learned} learned" if learned else "read, not learned"
    if text["learned_for"] > 1:
        how += f", {text['learned_for']} times over"
    yield _title(what, text["tokens"], how, "learned" if learned else "read")
    tokens = [part for piece in text["pieces"] for part in ((BOUNDARY, STYLES["boundary"]), _piece(piece))]
    yield _indented(Text.assemble(*tokens[1:]))


def _piece(piece: Document) -> tuple[str, str]:
    return piece["text"].replace("\n", f"{LINE_END}\n"), STYLES["learned" if piece["learned"] else "read"]


def _title(what: str, tokens: int, how: str, style: str) -> Text:
    return Text.assemble(f"{what}: {tokens} tokens, ", (how, STYLES[style]))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, INDENT))


def _gradients(document: Document, width: int) -> RenderableType:
    told = {key: value for key, value in document.items() if key not in ("matrix", "checks")}
    told["problems"] = ", ".join(_line(problem) for problem in document["problems"])
    matrix = [
        {"objective": row["objective"], "loss": row["loss"]}
        | {group: _norm(value) for group, value in row["norms"].items()}
        for row in document["matrix"]
    ]
    verdicts = [Text(f"{row['verdict']}.", style="" if row["reaches"] else "yellow") for row in document["matrix"]]
    return Group(tables({**told, "gradient norms": matrix, "checks": document["checks"]}, width), *verdicts)


def _norm(value: float) -> str:
    """In few digits; an exact zero as such."""
    return f"{value:.3g}" if value else ZERO


def _line(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


VIEWS: Mapping[str, Callable[[Document, int], RenderableType]] = {
    "magdi.distill-result/1": _student,
    "magdi.distill-rehearsal/1": _rehearsal,
    "magdi.gradient-check/1": _gradients,
}
"""By the document's schema; all others are plain tables."""
