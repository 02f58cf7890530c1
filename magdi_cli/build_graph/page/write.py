"""The page: one HTML file that holds its graphs, its numbers, its style and its program, and asks nobody for more."""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import IO, Any

from magdi_cli.build_graph.page.cards import card, embedded
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import decode, open_source, replacing, source_name

SCRIPTS = ("dom.js", "figures.js", "sections.js", "problems.js", "debate.js", "main.js")
"""The page's program, in the order it is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLimits:
    """How much a page holds, so that a browser opens it at once."""

    graphs: int = 5_000
    """Graphs embedded; the page counts the others."""
    bytes: int = 60_000_000
    """Size of the embedded graphs."""
    text: int = 20_000
    """Characters of a text; what is longer is cut and says so."""
    large_file: int = 20_000_000
    """Size of a file of graphs whose texts are cut at `text_of_large_file`."""
    text_of_large_file: int = 3_000


LIMITS = PageLimits()


@dataclass(kw_only=True, slots=True)
class _Count:
    graphs: int = 0
    shown: int = 0
    cut: int = 0
    bytes: int = 0


def write_page(
    path: Path, graphs_file: Path, statistics: Mapping[str, Any], *, title: str, limits: PageLimits = LIMITS
) -> None:
    """Write the page of a file of graphs and their statistics in place of `path`.

    Graphs beyond the limits are counted, not embedded, and the page says so; one graph is held at a time.
    """
    style, program = _asset("page.css"), _program()
    before, _, after = _asset("template.html").partition("$graphs")
    hashes = {"style_hash": _source_hash(style), "script_hash": _source_hash(program)}
    with replacing(path) as handle:
        handle.write(Template(before).substitute(hashes, title=escape(title), style=style).encode())
        count = _write_graphs(handle, graphs_file, limits)
        notice = {"graphs": count.graphs, "shown": count.shown, "cut": count.cut}
        documents = {"notice": embedded(notice).decode(), "statistics": embedded(statistics).decode()}
        handle.write(Template(after).substitute(documents, program=program).encode())


def _write_graphs(handle: IO[bytes], graphs_file: Path, limits: PageLimits) -> _Count:
    count = _Count()
    full = False
    with open_source(graphs_file) as lines:
        large = os.fstat(lines.fileno()).st_size > limits.large_file
        most_characters = limits.text_of_large_file if large else limits.text
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            count.graphs += 1
            full = full or count.graphs > limits.graphs
            if not full:
                graph = decode(InteractionGraph, line, f"{source_name(graphs_file)}:{number}")
                full = not _write_graph(handle, graph, most_characters, limits, count)
    return count


def _write_graph(
    handle: IO[bytes], graph: InteractionGraph, most_characters: int, limits: PageLimits, count: _Count
) -> bool:
    """Whether there was room for the graph."""
    made = card(graph, most_characters)
    if count.bytes + len(made.content) > limits.bytes:
        return False
    handle.write((b",\n" if count.shown else b"") + made.content)
    count.bytes += len(made.content)
    count.shown += 1
    count.cut += made.cut
    return True


def _program() -> str:
    parts = "\n".join(_asset(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def _asset(name: str) -> str:
    return (files("magdi_cli.build_graph.page") / "assets" / name).read_text(encoding="utf-8")


def _source_hash(content: str) -> str:
    """The content as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
