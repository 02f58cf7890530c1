from collections.abc import Mapping
from typing import get_args, get_type_hints

import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.distill.lessons.ablations import GRAPH_FEATURES, PAIRS
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.settings import GRAPH_OBJECTIVES, applied, levels_of
from magdi_cli.distill.student.encoder import LAYERS
from magdi_cli.distill.student.objectives import objectives


@pytest.mark.parametrize(("option", "table"), [("gnn", LAYERS), ("graph_features", GRAPH_FEATURES), ("pairs", PAIRS)])
def test_every_value_of_an_option_has_its_row(option: str, table: Mapping[str, object]) -> None:
    assert get_args(get_type_hints(DistillConfig)[option]) == tuple(table)


def test_flips_are_off_until_they_are_given_a_weight() -> None:
    assert "flip" not in active(levels_of(DistillConfig())[0])
    assert active(levels_of(DistillConfig(weight=("flip=0.5",)))[0])[-1] == "flip"


def test_weights_replace_the_levels_own_by_name() -> None:
    (level,) = levels_of(DistillConfig(level="magdi", weight=("margin=0.5", "node=0")))
    assert dict(level.objectives) == {"next-token": 1.0, "margin": 0.5, "node": 0.0, "flip": 0.0}


@pytest.mark.parametrize("text", ["margin", "margin=", "margin=x", "margin=-1", "margin=nan", "margin=inf", "=1x", ""])
def test_a_weight_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="OBJECTIVE=WEIGHT"):
        levels_of(DistillConfig(level="graph", weight=(text,)))


def test_a_weight_of_an_objective_that_the_level_lacks_is_refused() -> None:
    with pytest.raises(UsageProblem, match="round-0 has no margin objective"):
        levels_of(DistillConfig(level="round-0", weight=("margin=1",)))


def test_an_unknown_objective_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="close: margin"):
        levels_of(DistillConfig(level="graph", weight=("margn=1",)))


def test_weights_that_are_all_zero_leave_nothing_to_train() -> None:
    with pytest.raises(UsageProblem, match="nothing to train"):
        levels_of(DistillConfig(level="round-0", weight=("next-token=0",)))


def test_frozen_features_need_an_objective_that_reaches_the_student() -> None:
    alone = ("next-token=0", "margin=0", "flip=1")
    with pytest.raises(UsageProblem, match="--graph-features frozen, node, flip cannot reach the student"):
        levels_of(DistillConfig(graph_features="frozen", weight=alone))
    assert levels_of(DistillConfig(weight=alone))
    assert levels_of(DistillConfig(graph_features="frozen", weight=("next-token=0",)))


def test_the_objectives_of_the_graph_are_those_of_its_encoder() -> None:
    known = objectives(margin=1.0)
    assert {name for name, objective in known.items() if "graph_encoder" in objective.heads} == GRAPH_OBJECTIVES


def test_a_teacher_belongs_to_single_teacher_only() -> None:
    with pytest.raises(UsageProblem, match="--teacher belongs to single-teacher"):
        levels_of(DistillConfig(level="graph", teacher="ada"))


@pytest.mark.parametrize("option", ["epochs", "learning_rate", "margin"])
def test_a_number_without_end_is_refused(option: str) -> None:
    with pytest.raises(UsageProblem, match=f"--{option.replace('_', '-')} is inf; it must be a finite number"):
        DistillConfig(**{option: float("inf")})


def test_a_recipe_leaves_what_the_user_set() -> None:
    settled = applied(DistillConfig(recipe="reference", epochs=1))
    assert (settled.epochs, settled.learning_rate) == (1, 5e-6)


def test_the_reference_recipe_is_the_released_codes() -> None:
    settled = applied(DistillConfig(recipe="reference"))
    assert (settled.lora_targets, settled.learning_rate, settled.epochs) == ("q_proj,v_proj", 5e-6, 10.0)
    assert settled.pairs == "reference"


def test_what_is_set_otherwise_stands_beside_a_recipe() -> None:
    settled = applied(DistillConfig(recipe="reference", epochs=1.0, learning_rate=1e-4))
    assert (settled.epochs, settled.learning_rate, settled.lora_targets) == (1.0, 1e-4, "q_proj,v_proj")
    assert applied(settled) == settled


def test_the_default_recipe_changes_nothing() -> None:
    assert applied(DistillConfig(learning_rate=1e-3)) == DistillConfig(learning_rate=1e-3)


@pytest.mark.parametrize("setting", [{"warmup_ratio": 1.0}, {"lora_dropout": 1.5}, {"epochs": 0.0}])
def test_settings_that_train_nothing_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(UsageProblem):
        applied(DistillConfig(**setting))
