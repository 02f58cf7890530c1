import json
import re
import tracemalloc
from collections.abc import Mapping
from dataclasses import asdict, replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.page import write_page
from magdi_cli.build_graph.page.write import LIMITS, PageLimits
from magdi_cli.build_graph.statistics import GraphTally
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer
from magdi_cli.core.records import write_records
from tests.strategies import graphs, problem

ASSETS = files("magdi_cli.build_graph.page") / "assets"
HOSTILE = (
    "</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\u2028\u2029",
    "\x00",
    "]]>",
    "&lt;",
    '"\\',
    "$graphs",
)


class Parts(HTMLParser):
    """The elements of a page with their attributes, and the content of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, str] = {}
        self.inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = (dict(attrs).get("id") or tag) if tag in ("script", "style", "title", "h1") else None

    def handle_endtag(self, tag: str) -> None:
        self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.contents[self.inside] = self.contents.get(self.inside, "") + data

    def document(self, name: str) -> Any:
        return json.loads(self.contents[f"data-{name}"])


def a_graph(text: str = "four", **changes: Any) -> InteractionGraph:
    nodes = tuple(
        Node(agent=agent, round=number, text=text, answer=answer and Answer(answer), correct=answer == "4")
        for number, agent, answer in [(0, "ada", "5"), (0, "ben", "4"), (1, "ada", "4"), (1, "ben", None)]
    )
    return InteractionGraph(problem=problem(**changes), nodes=nodes, edges=((0, 2), (1, 2), (0, 3), (1, 3)))


def page_of(
    folder: Path,
    *held: InteractionGraph,
    statistics: Mapping[str, Any] | None = None,
    title: str = "Debates",
    limits: PageLimits = LIMITS,
) -> Parts:
    write_records(folder / "graphs.jsonl", held)
    write_page(folder / "page.html", folder / "graphs.jsonl", statistics or {}, title=title, limits=limits)
    return Parts((folder / "page.html").read_text())


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    made = page_of(tmp_path, a_graph())
    addresses = [
        value for _, given in made.elements for name in ("src", "href", "action") if (value := given.get(name))
    ]
    assert addresses == ["data:,"]
    program, style = made.contents["script"], made.contents["style"]
    assert not re.search(r"url\((?!#)|@import", style)
    assert not re.search(r"fetch|XMLHttpRequest|WebSocket|\bimport\b|sendBeacon", program)
    assert re.findall(r"https?://[^\"]*", program) == ["http://www.w3.org/2000/svg"]


def test_the_page_allows_its_own_program_and_style_and_nothing_else(tmp_path: Path) -> None:
    import base64
    import hashlib

    made = page_of(tmp_path, a_graph())
    (policy,) = [given["content"] or "" for _, given in made.elements if given.get("http-equiv")]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(made.contents[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_the_program_puts_no_markup_into_the_page(tmp_path: Path) -> None:
    program = page_of(tmp_path, a_graph()).contents["script"]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc", program
    )


@given(text=st.text(st.characters(exclude_categories=("Cs",))), hostile=st.sampled_from(HOSTILE))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str, hostile: str) -> None:
    words = f"a{text}{hostile}{text}"
    title = f"of {hostile}".replace("\x00", "")
    statistics = {"agents": [{"agent": words}]}
    made = page_of(tmp_path_factory.mktemp("page"), a_graph(words, id=words), statistics=statistics, title=title)
    (held,) = made.document("graphs")
    assert {node["text"] for node in held["nodes"]} == {words}
    assert (held["id"], made.document("statistics")) == (words, statistics)
    assert made.contents["title"] == made.contents["h1"] == title
    assert not re.search("[<>&\u2028\u2029\x00]", made.contents["data-graphs"] + made.contents["data-statistics"])


@given(graphs())
def test_a_graph_is_embedded_with_its_flips_and_its_teams_verdict(
    tmp_path_factory: pytest.TempPathFactory, graph: InteractionGraph
) -> None:
    (held,) = page_of(tmp_path_factory.mktemp("page"), graph).document("graphs")
    assert held["edges"] == [list(edge) for edge in graph.edges]
    assert [node["correct"] for node in held["nodes"]] == [node.correct for node in graph.nodes]
    own = [edge for edge in graph.edges if graph.nodes[edge[0]].agent == graph.nodes[edge[1]].agent]
    assert sorted((start, end) for start, end, _, _ in held["flips"]) == sorted(own)


def test_the_team_is_the_majority_of_the_last_answers(tmp_path: Path) -> None:
    mixed, silent = a_graph(), a_graph(id="p2")
    silent = replace(silent, nodes=tuple(replace(node, answer=None, correct=False) for node in silent.nodes))
    first, second = page_of(tmp_path, mixed, silent).document("graphs")
    assert (first["team"], second["team"]) == (True, None)
    assert first["flips"] == [[0, 2, "corrected", "majority"], [1, 3, "corrupted", "unread"]]


def test_the_page_does_not_take_that_vote_for_the_debates_own_answer() -> None:
    program = (ASSETS / "debate.js").read_text(encoding="utf-8")
    assert "vote ${kind}" in program
    assert "one voice each; the debate's own answer may weigh them or be a judge's" in program


@pytest.mark.parametrize(
    ("limits", "shown"),
    [(PageLimits(graphs=3), 3), (PageLimits(bytes=1200), 2), (PageLimits(graphs=9), 7), (PageLimits(bytes=1), 0)],
)
def test_what_does_not_fit_is_counted_and_said(tmp_path: Path, limits: PageLimits, shown: int) -> None:
    made = page_of(tmp_path, *(a_graph(id=f"p{n}") for n in range(7)), limits=limits)
    assert made.document("notice") == {"graphs": 7, "shown": shown, "cut": 0}
    assert [held["id"] for held in made.document("graphs")] == [f"p{n}" for n in range(shown)]


@pytest.mark.parametrize(
    ("limits", "kept"), [(PageLimits(text=50), 50), (PageLimits(large_file=10, text_of_large_file=9), 9)]
)
def test_long_texts_are_cut_and_say_so(tmp_path: Path, limits: PageLimits, kept: int) -> None:
    made = page_of(tmp_path, a_graph("x" * 1234), limits=limits)
    assert made.document("graphs")[0]["nodes"][0]["text"] == "x" * kept + " … [cut: 1,234 characters in all]"
    assert made.document("notice")["cut"] >= 4


def test_memory_does_not_grow_with_the_graphs(tmp_path: Path) -> None:
    write_records(tmp_path / "graphs.jsonl", (a_graph("x" * 20_000, id=f"p{n}") for n in range(200)))
    page_of(tmp_path / "warm", a_graph())
    tracemalloc.start()
    write_page(tmp_path / "page.html", tmp_path / "graphs.jsonl", {}, title="Debates")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "page.html").stat().st_size > 16_000_000
    assert peak < 2_000_000


def test_a_faulty_graph_leaves_the_old_page(tmp_path: Path) -> None:
    page_of(tmp_path, a_graph())
    before = (tmp_path / "page.html").read_bytes()
    with (tmp_path / "graphs.jsonl").open("a") as handle:
        handle.write("{}\n")
    with pytest.raises(DataProblem, match=r"graphs\.jsonl:2: "):
        write_page(tmp_path / "page.html", tmp_path / "graphs.jsonl", {}, title="Debates")
    assert (tmp_path / "page.html").read_bytes() == before


def test_the_page_charts_what_the_statistics_are_called() -> None:
    tally = GraphTally()
    tally.add(a_graph())
    tally.add(replace(a_graph(), nodes=tuple(replace(n, answer=Answer("5"), correct=False) for n in a_graph().nodes)))
    program = (ASSETS / "sections.js").read_text()
    for name, rows in asdict(tally.summary()).items():
        if name != "schema":
            assert re.search(rf"\b{name}\b", program), name
        for column in (
            rows[0] if isinstance(rows, tuple) and rows and name in ("agreement", "sycophancy", "suspects") else ()
        ):
            if column not in ("agreed_right", "rounds"):
                assert re.search(rf"\b{column}\b", program), column


def test_no_part_of_the_program_is_too_long_to_hold_in_the_head() -> None:
    lines = {asset.name: len(asset.read_text().splitlines()) for asset in ASSETS.iterdir()}
    assert max(lines.values()) <= 300
    assert sum(count for name, count in lines.items() if name.endswith(".js")) < 1000


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: int) -> None:
    style = (ASSETS / "page.css").read_text()
    tokens = {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)}
    grounds = {"page", "card", "sunk"}
    pairs = {*product(("ink", "soft", "right", "wrong", "silent"), grounds)}
    pairs |= {
        ("right", "right-wash"),
        ("wrong", "wrong-wash"),
        ("ink", "heat"),
        ("soft", "right-wash"),
        ("card", "ink"),
    }
    for text, ground in pairs:
        one, other = sorted(luminance(tokens[name][scheme]) for name in (text, ground))
        assert (other + 0.05) / (one + 0.05) >= 4.5, (text, ground)
