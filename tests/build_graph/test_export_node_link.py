import json
import tempfile
from pathlib import Path

import networkx
from hypothesis import given

from magdi_cli.build_graph.validate import to_networkx
from magdi_cli.core.graph import InteractionGraph
from tests.build_graph.any_graphs import huge, several, written
from tests.distill.graphs import graph


def read_back(graphs: list[InteractionGraph]) -> list[networkx.DiGraph]:
    with tempfile.TemporaryDirectory() as folder:
        written("node-link", Path(folder), graphs)
        with (Path(folder) / "node-link.jsonl").open(encoding="utf-8") as lines:
            return [networkx.node_link_graph(json.loads(line), edges="edges") for line in lines]


@given(several())
def test_every_line_reads_back_as_its_graph(graphs: list[InteractionGraph]) -> None:
    for made, read in zip(graphs, read_back(graphs), strict=True):
        expected = to_networkx(made)
        assert dict(read.nodes(data=True)) == dict(expected.nodes(data=True))
        assert set(read.edges) == set(expected.edges)
        assert read.is_directed()
        assert not read.is_multigraph()


@given(several())
def test_a_graph_carries_its_problem(graphs: list[InteractionGraph]) -> None:
    for made, read in zip(graphs, read_back(graphs), strict=True):
        problem = made.problem
        assert read.graph == {
            "id": problem.id,
            "task": problem.task,
            "question": problem.question,
            "choices": list(problem.choices),
            "gold": problem.gold,
        }


def test_a_graph_without_edges_and_texts_of_a_megabyte_reads_back() -> None:
    (read,) = read_back([huge()])
    assert read.nodes[1]["text"] == huge().nodes[1].text
    assert read.number_of_edges() == 0


def test_networkx_needs_to_be_told_nothing_but_the_name_of_the_edges() -> None:
    (read,) = read_back([graph(["+-", "++"])])
    assert networkx.is_directed_acyclic_graph(read)
