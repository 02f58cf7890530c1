"""`--format graphml`: a folder `graphml` with one file a problem, and `index.jsonl` that says which is whose.

One graph a file, because networkx and yEd read only the first graph of a file, and Gephi draws all of them at once.
Attributes are typed; what is None is left out; control characters are dropped and newlines made plain, since XML
cannot hold them. Options are a JSON list in one attribute.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from xml.sax.saxutils import escape

from magdi_cli.build_graph.exporting import Write
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.printable import printable
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import encode, replacing_folder

LONGEST_SLUG = 60

Value = str | int | None

_KEYS: Mapping[str, tuple[Literal["graph", "node"], Literal["string", "long", "boolean"]]] = MappingProxyType(
    {
        "problem": ("graph", "string"),
        "task": ("graph", "string"),
        "question": ("graph", "string"),
        "choices": ("graph", "string"),
        "gold": ("graph", "string"),
        "label": ("node", "string"),
        "agent": ("node", "string"),
        "round": ("node", "long"),
        "answer": ("node", "string"),
        "correct": ("node", "boolean"),
        "text": ("node", "string"),
    }
)
_HEAD = "\n".join(
    [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        *(f'<key id="{n}" for="{of}" attr.name="{n}" attr.type="{kind}"/>' for n, (of, kind) in _KEYS.items()),
        '<graph id="G" edgedefault="directed">',
    ]
)
_TAIL = "</graph>\n</graphml>\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphMLEntry:
    """Where a problem's graph is."""

    schema: Literal["magdi.graphml-index/1"] = "magdi.graphml-index/1"
    file: str
    """Its name in this folder."""
    problem_id: str
    nodes: int
    edges: int


@contextmanager
def open_graphml(folder: Path) -> Iterator[Write]:
    """A writer of the folder `graphml`."""
    with replacing_folder(folder / "graphml") as made, (made / "index.jsonl").open("wb") as index:

        def write(graph: InteractionGraph) -> None:
            name = file_name(graph.problem.id)
            (made / name).write_text("".join(_document(graph)), encoding="utf-8", newline="\n")
            entry = GraphMLEntry(file=name, problem_id=graph.problem.id, nodes=len(graph.nodes), edges=len(graph.edges))
            index.write(encode(entry))

        yield write


def file_name(problem_id: str) -> str:
    """A file name that any system takes, readable where the id is, and the id's own."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", problem_id)[:LONGEST_SLUG].strip(".-") or "problem"
    # the digest also tells apart ids that differ only in case, which some file systems do not
    return f"{slug}-{hashlib.sha256(problem_id.encode()).hexdigest()[:12]}.graphml"


def _document(graph: InteractionGraph) -> Iterator[str]:
    yield _HEAD
    yield from _data(_graph_attributes(graph.problem))
    for index, node in enumerate(graph.nodes):
        yield f'\n<node id="{index}">'
        yield from _data(_node_attributes(node))
        yield "\n</node>"
    for start, end in graph.edges:
        yield f'\n<edge source="{start}" target="{end}"/>'
    yield f"\n{_TAIL}"


def _graph_attributes(problem: Problem) -> dict[str, Value]:
    return {
        "problem": problem.id,
        "task": problem.task,
        "question": problem.question,
        "choices": json.dumps(problem.choices, ensure_ascii=False) if problem.choices else None,
        "gold": problem.gold,
    }


def _node_attributes(node: Node) -> dict[str, Value]:
    said = "no answer" if node.answer is None else node.answer
    return {
        "label": f"{node.agent}@{node.round}: {said}",
        "agent": node.agent,
        "round": node.round,
        "answer": node.answer,
        "correct": node.correct,
        "text": node.text,
    }


def _data(attributes: Mapping[str, Value]) -> Iterator[str]:
    for name, value in attributes.items():
        if value is not None:
            yield f'\n<data key="{name}">{_xml(value)}</data>'


def _xml(value: str | int) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
    return escape(printable(value))
