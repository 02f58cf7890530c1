from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import GateFailed
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import write_records
from magdi_cli.distill.looking.gradient_check import GradientCheck
from magdi_cli.distill.stage import run
from magdi_cli.distill.student.student import Student
from tests.distill.graphs import graph
from tests.reports import Heard

GRAPHS = tuple(graph(["-++", "+-+"], number=n) for n in range(1, 4))

Check = Callable[..., GradientCheck]


@pytest.fixture
def check(tiny: Path, tmp_path: Path) -> Check:
    def check(graphs: tuple[InteractionGraph, ...] = GRAPHS, **settings: Any) -> GradientCheck:
        write_records(tmp_path / "graphs" / "graphs.jsonl", graphs)
        config = DistillConfig(run_dir=tmp_path, student=str(tiny), batch_size=2, check_gradients=True, **settings)
        found = run(config, Heard())
        assert isinstance(found, GradientCheck)
        return found

    return check


def reached(found: GradientCheck) -> dict[str, set[str]]:
    return {row.objective: {group for group, norm in row.norms.items() if norm != 0.0} for row in found.matrix}


ADAPTER = {"adapter", "layers 0 to 0", "layers 1 to 1"}


@pytest.mark.parametrize("sharing", ["always", "never"])
def test_live_every_objective_trains_the_adapter_and_its_own_head_alone(check: Check, sharing: str) -> None:
    found = check(prompt_sharing=sharing)
    assert reached(found) == {
        "next-token": ADAPTER,
        "margin": {*ADAPTER, "score_head"},
        "node": {*ADAPTER, "graph_encoder"},
    }
    assert found.matrix[2].verdict.startswith("the graph trains the student: node reaches the adapter with norm")
    assert all(claim.holds for claim in found.checks)


def test_frozen_the_node_objective_leaves_exactly_nothing_in_the_adapter(check: Check) -> None:
    found = check(graph_features="frozen")
    assert reached(found)["node"] == {"graph_encoder"}
    assert found.matrix[2].verdict == "frozen: node does not reach the adapter"
    assert found.checks[0].claim == "the adapter is trained by next-token, margin"
    assert all(claim.holds for claim in found.checks)


def test_flips_reach_the_adapter_through_the_graph_encoder(check: Check) -> None:
    found = check(weight=("flip=0.5",))
    assert reached(found)["flip"] == {*ADAPTER, "graph_encoder", "flip_head"}
    assert reached(check(weight=("flip=0.5",), graph_features="frozen"))["flip"] == {"graph_encoder", "flip_head"}


@pytest.mark.parametrize("features", ["shuffled", "reversed", "none"])
def test_other_edges_keep_the_node_objective_on_the_adapter_but_are_not_called_the_graph(
    check: Check, features: str
) -> None:
    assert check(graph_features=features).matrix[2].verdict.startswith("node reaches the adapter with norm")


def test_a_level_without_heads_has_a_matrix_without_them(check: Check) -> None:
    (row,) = check(level="cn").matrix
    assert set(row.norms) == ADAPTER


def test_the_bands_of_layers_make_up_the_adapter(check: Check) -> None:
    for row in check().matrix:
        bands = [norm for group, norm in row.norms.items() if group.startswith("layers")]
        assert sum(norm**2 for norm in bands) ** 0.5 == pytest.approx(row.norms["adapter"])


def test_every_text_is_encoded_once_also_where_nodes_share_one(check: Check) -> None:
    graphs = (graph(["+++", "-"], texts=["Same.", "Same.", "Other.", "Wrong."]),)
    assert check(graphs=graphs).checks[2].found == "3 encoded, 3 distinct"


def test_an_objective_without_material_in_the_step_is_no_failure(check: Check) -> None:
    found = check(graphs=(graph(["+++"]),), level="cn")
    assert found.matrix[0].reaches
    single = check(graphs=(graph(["---"], number=1), graph(["+++"], number=2)), max_steps=1)
    (margin,) = (row for row in single.matrix if row.objective == "margin")
    assert (margin.size, margin.verdict) == (0, "margin has nothing to learn from in this step")


def test_an_objective_cut_off_from_the_adapter_fails_the_gate_and_shows_the_matrix(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Student.vectors
    monkeypatch.setattr(Student, "vectors", lambda self, batch, states: whole(self, batch, states).detach())
    with pytest.raises(GateFailed, match="trained by next-token, margin, node") as failed:
        check()
    assert isinstance(failed.value.result, GradientCheck)
    assert reached(failed.value.result)["node"] == {"graph_encoder"}


def test_a_step_that_adds_up_wrongly_fails_the_gate(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    from magdi_cli.distill.looking import gradients

    true = gradients.accumulate_gradients

    def doubled(student: Student, batches: Any, objectives: Any, weights: Any) -> Any:
        measured = true(student, batches, objectives, weights)
        for parameter in student.parts()["score_head"].values():
            assert parameter.grad is not None
            parameter.grad *= 2
        return measured

    monkeypatch.setattr(gradients, "accumulate_gradients", doubled)
    with pytest.raises(GateFailed, match="weighted sum"):
        check()
