import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from magdi_cli.build_graph.exporting.mermaid import chart
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.printable import one_line
from magdi_cli.core.problem import Answer
from tests.build_graph.any_graphs import HOSTILE, any_graphs, several, written
from tests.distill.graphs import graph, problem

CHARACTER = r"(?:[^\W_]|[ ,.+=/%()-]|#[0-9]+;)"
NODE = re.compile(rf'n(\d+)\["(✓|✗) ({CHARACTER}*): ({CHARACTER}*)"\]:::(right|wrong)')
EDGE = re.compile(r"n(\d+) --> n(\d+)")
ROUND = re.compile(r'subgraph r(\d+)\["round (\d+)"\]\ndirection LR\n((?:n.*\n)+)end\n')
CHART = re.compile(
    rf"flowchart LR\n((?:{ROUND.pattern})+)((?:{EDGE.pattern}\n)*)"
    r"classDef right [^\n]+\nclassDef wrong [^\n]+"
)


def literal(label: str) -> str:
    """The label as Mermaid shows it."""
    return re.sub(r"#([0-9]+);", lambda number: chr(int(number[1])), label)


@given(any_graphs())
def test_a_chart_holds_every_node_in_its_round_and_every_edge(made: InteractionGraph) -> None:
    text = chart(made)
    assert CHART.fullmatch(text)
    shown = {}
    for number, title, boxes in ROUND.findall(text):
        assert number == title
        for box in boxes.splitlines():
            index, mark, agent, answer, name = NODE.fullmatch(box).groups()
            shown[int(index)] = (int(number), mark, name, literal(agent), literal(answer))
    assert shown == {
        index: (
            node.round,
            "✓" if node.correct else "✗",
            "right" if node.correct else "wrong",
            one_line(node.agent, most=30),
            "no answer" if node.answer is None else one_line(node.answer, most=40),
        )
        for index, node in enumerate(made.nodes)
    }
    assert [(int(a), int(b)) for a, b in EDGE.findall(text)] == list(made.edges)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_read_as_syntax(text: str) -> None:
    node = Node(agent="ada", round=0, text="", answer=Answer(f"{text}!"), correct=True)
    made = replace(graph(["+"]), nodes=(node,))
    assert CHART.fullmatch(chart(made))
    # Mermaid takes the last semicolon off a line that looks like a style with a colour
    assert not re.search(r"(?:style|classDef).*:\S*#.*;", chart(made).partition("classDef")[0])


def test_seats_keep_their_order_in_every_round() -> None:
    made = graph([" ++", "+-+"])
    swapped = replace(made, nodes=(made.nodes[1], made.nodes[0], *made.nodes[2:]), edges=())
    assert re.findall(r"[✓✗] (\w+):", chart(swapped)) == ["cyd", "bob", "cyd", "bob", "ada"]


def test_long_names_and_answers_are_cut() -> None:
    node = Node(agent="a" * 1000, round=0, text="", answer=Answer("9" * 1000), correct=False)
    (box,) = re.findall(r'n0\["(.*)"\]', chart(replace(graph(["+"]), nodes=(node,))))
    assert literal(box) == f"✗ {'a' * 29}…: {'9' * 39}…"


@given(several())
def test_a_file_has_a_section_and_a_closed_chart_for_each_problem(graphs: list[InteractionGraph]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written("mermaid", Path(folder), graphs)
        text = (Path(folder) / "graphs.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(graphs)
    assert re.findall(r"^```mermaid\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL) == [chart(each) for each in graphs]
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(graphs)


def test_a_question_is_no_markup(tmp_path: Path) -> None:
    question = "# <b>2</b> *x*\n```\n[a](b) $1$"
    written("mermaid", tmp_path, [replace(graph(["+"]), problem=replace(problem(1), question=question))])
    shown = (tmp_path / "graphs.md").read_text(encoding="utf-8").splitlines()[6]
    assert shown == r"\# \<b\>2\<\/b\> \*x\* \`\`\` \[a\]\(b\) \$1\$"


def test_a_graph_larger_than_mermaid_draws_is_told_in_words(tmp_path: Path) -> None:
    nodes = tuple(
        Node(agent=f"a{seat}", round=number, text="", answer=Answer("1"), correct=False)
        for number in (0, 1)
        for seat in range(23)
    )
    edges = tuple((start, end) for start in range(23) for end in range(23, 46))
    written("mermaid", tmp_path, [replace(graph(["+"]), nodes=nodes, edges=edges)])
    text = (tmp_path / "graphs.md").read_text(encoding="utf-8")
    assert "46 nodes and 529 edges are more than Mermaid draws." in text
    assert "flowchart" not in text


def test_a_question_shows_the_options_that_answers_name(tmp_path: Path) -> None:
    asked = replace(problem(1), task="commonsenseqa", question="Which?", choices=("red", "blue"), gold=Answer("B"))
    written("mermaid", tmp_path, [replace(graph(["+"]), problem=asked)])
    assert r"Which\? A\. red B\. blue" in (tmp_path / "graphs.md").read_text(encoding="utf-8")
