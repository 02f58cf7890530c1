import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given

from magdi_cli.build_graph.exporting.pyg import read_agents, read_pyg
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from tests.build_graph.any_graphs import huge, several, written
from tests.distill.graphs import graph


@given(several())
def test_every_graph_comes_back_as_tensors(graphs: list[InteractionGraph]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written("pyg", Path(folder), graphs)
        agents, read = read_agents(Path(folder)), list(read_pyg(Path(folder)))
    for made, data in zip(graphs, read, strict=True):
        data.validate()
        assert data.problem_id == made.problem.id
        assert data.num_nodes == len(made.nodes)
        assert [(start, end) for start, end in data.edge_index.T.tolist()] == list(made.edges)
        assert data.y.tolist() == [node.correct for node in made.nodes]
        assert data.round.tolist() == [node.round for node in made.nodes]
        assert [agents[i] for i in data.agent] == [node.agent for node in made.nodes]


def test_tensors_have_the_documented_types(tmp_path: Path) -> None:
    written("pyg", tmp_path, [graph(["+-", "++"])])
    (data,) = read_pyg(tmp_path)
    assert {name: value.dtype for name, value in data if isinstance(value, torch.Tensor)} == {
        "edge_index": torch.int64,
        "y": torch.int8,
        "round": torch.int16,
        "agent": torch.int32,
    }


def test_graphs_make_a_batch(tmp_path: Path) -> None:
    written("pyg", tmp_path, [graph(["+-", "++"], number=1), graph(["-"], number=2), graph(["+", "+"], number=3)])
    graphs = list(read_pyg(tmp_path))
    batch = sys.modules["torch_geometric.data"].Batch.from_data_list(graphs)
    assert batch.batch.tolist() == [0, 0, 0, 0, 1, 2, 2]
    assert batch.edge_index.tolist() == [[0, 0, 1, 1, 5], [2, 3, 2, 3, 6]]
    assert batch.problem_id == ["p1", "p2", "p3"]


def test_no_text_reaches_the_tensors(tmp_path: Path) -> None:
    written("pyg", tmp_path, [huge()])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2000


def test_a_round_that_does_not_fit_names_the_problem_and_the_way_out(tmp_path: Path) -> None:
    made = graph(["+"], number=4)
    late = replace(made, nodes=(replace(made.nodes[0], round=40_000),))
    with pytest.raises(DataProblem, match=r"problem 'p4': .* up to 32767, not 40000; leave pyg out of --format"):
        written("pyg", tmp_path, [late])


def test_tensors_and_an_index_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    written("pyg", tmp_path, [graph(["+"], number=1), graph(["-"], number=2)])
    index = tmp_path / "graphs.index.jsonl"
    index.write_bytes(index.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(DataProblem, match=r"holds 2 graphs, graphs\.index\.jsonl names 1; make both anew"):
        list(read_pyg(tmp_path))


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04nonsense"])
def test_a_file_that_is_not_ours_is_a_problem_of_the_data(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "graphs.safetensors").write_bytes(content)
    with pytest.raises(DataProblem, match=r"cannot read .*graphs\.safetensors"):
        list(read_pyg(tmp_path))
