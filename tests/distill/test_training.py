import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.encoding.batches import Item, tokenize
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.lessons.metrics import Step, final_losses
from magdi_cli.distill.student.loading import load_student
from magdi_cli.distill.training.checkpoints import TRAINABLE, newest_checkpoint
from magdi_cli.distill.training.training import train
from magdi_cli.engines.weights import resolve_model
from tests.distill.conftest import make_student
from tests.distill.courses import (
    WEIGHTS,
    Killed,
    course,
    items_of,
    killed_after,
    on_schedule,
    same_weights,
    steps,
    trained,
    weights,
    without_time,
)
from tests.distill.graphs import graph


@pytest.fixture(scope="module")
def items(tokenizer: Any) -> list[Item]:
    return items_of(tokenizer, range(1, 7))


def test_twenty_steps_lower_the_loss(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    trained(tiny, course(tmp_path, items), max_steps=20, batch_size=3, learning_rate=5e-3)
    losses = [step.terms["next-token"] for step in steps(tmp_path)]
    assert len(losses) == 20
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])


def test_every_step_tells_each_term_the_total_and_both_accuracies(
    tiny: Path, tmp_path: Path, items: list[Item]
) -> None:
    trained(tiny, course(tmp_path, items), max_steps=2, batch_size=3)
    for number, step in enumerate(steps(tmp_path), start=1):
        assert step.step == number
        assert step.loss == pytest.approx(sum(WEIGHTS[name] * loss for name, loss in step.terms.items()), rel=1e-5)
        assert list(step.terms) == list(WEIGHTS)
        assert set(step.accuracy) == {"margin", "node"}
        assert step.texts == 18
        assert step.gradient_norm > 0


@pytest.mark.parametrize("killed_at", [2, 3])
def test_a_killed_and_resumed_run_ends_with_the_same_weights_and_metrics(
    tiny: Path, tmp_path: Path, items: list[Item], killed_at: int
) -> None:
    settings = {"epochs": 2.0, "batch_size": 3}
    straight = trained(tiny, course(tmp_path / "a", items), **settings)
    with pytest.raises(Killed):
        trained(tiny, course(tmp_path / "b", items, killed_after(killed_at)), **settings)
    resumed = trained(tiny, course(tmp_path / "b", items), **settings)
    assert len(steps(tmp_path / "a")) == 4
    assert without_time(steps(tmp_path / "a")) == without_time(steps(tmp_path / "b"))
    assert same_weights(resumed, straight)


def test_a_run_killed_after_its_last_step_resumes_to_its_end(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    settings = {"max_steps": 2, "batch_size": 3}
    straight = trained(tiny, course(tmp_path, items), **settings)
    again = trained(tiny, course(tmp_path, items), **settings)
    assert same_weights(again, straight)
    assert len(steps(tmp_path)) == 2


def test_the_same_seed_makes_the_same_student(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    first, second = (trained(tiny, course(tmp_path / name, items), max_steps=2) for name in ("a", "b"))
    assert same_weights(first, second)


def test_a_checkpoint_holds_trainable_tensors_only(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    from safetensors.torch import load_file

    student = trained(tiny, course(tmp_path, items), max_steps=2)
    checkpoint = newest_checkpoint(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert load_file(checkpoint / TRAINABLE).keys() == student.trainable().keys()
    assert [path.name for path in checkpoint.glob("*.safetensors")] == [TRAINABLE]


def test_a_checkpoint_torn_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    for step, content in ((2, json.dumps({"global_step": 2})), (4, '{"global_'), (6, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if content is not None:
            (folder / "trainer_state.json").write_text(content)
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-2"


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "absent") is None


def test_a_checkpoint_of_another_student_is_refused(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    with pytest.raises(Killed):
        trained(tiny, course(tmp_path, items, killed_after(1)), max_steps=3)
    with pytest.raises(DataProblem, match="another student; start over with --resume never"):
        trained(tiny, course(tmp_path, items), max_steps=3, lora_r=2)


def test_a_loss_that_is_not_finite_stops_and_names_the_problems(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    student = make_student(tiny)
    with torch.no_grad():
        student.score_head[0].weight.fill_(float("nan"))
    config = DistillConfig(max_steps=2)
    with pytest.raises(DataProblem, match=r"not finite \(.*margin nan.*\) on problems p\d, p\d"):
        train(student, on_schedule(course(tmp_path, items), config), config, seed=0)


def test_the_one_graph_whose_loss_is_not_finite_is_found_among_many(
    tiny: Path, tmp_path: Path, tokenizer: Any, items: list[Item]
) -> None:
    broken = example_from(graph(["+-"], number=9, texts=["It is {10}.", "No."]), LEVELS["graph"], teacher=None)
    assert broken
    student = make_student(tiny)
    with torch.no_grad():
        student.backbone.get_input_embeddings().weight[tokenizer("{")["input_ids"][0]] = float("nan")
    config = DistillConfig(max_steps=2, batch_size=7)
    everything = replace(course(tmp_path, [*items, tokenize(broken, tokenizer)]), weights={"margin": 1.0})
    with pytest.raises(DataProblem, match=r"on problem p9; .*look at this graph"):
        train(student, on_schedule(everything, config), config, seed=0)


def test_a_gradient_that_is_not_finite_stops_before_it_spoils_the_weights(
    tiny: Path, tmp_path: Path, items: list[Item]
) -> None:
    student = make_student(tiny)
    student.score_head[0].weight.register_hook(lambda gradient: gradient * float("inf"))
    config = DistillConfig(max_steps=2, batch_size=3)
    with pytest.raises(DataProblem, match=r"the gradient is not finite \(.*\) on problems p\d"):
        train(student, on_schedule(course(tmp_path, items), config), config, seed=0)
    assert all(value.isfinite().all() for value in weights(student).values())


def test_a_killed_float16_run_goes_on_at_its_gradient_scale(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    settings = {"max_steps": 2, "batch_size": 1}
    straight = trained(tiny, course(tmp_path / "a", items[:2]), torch.float16, **settings)
    with pytest.raises(Killed):
        trained(tiny, course(tmp_path / "b", items[:2], killed_after(1)), torch.float16, **settings)
    assert same_weights(trained(tiny, course(tmp_path / "b", items[:2]), torch.float16, **settings), straight)


def test_float16_measures_what_float32_does(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    settings = {"max_steps": 1, "batch_size": 1, "lora_dropout": 0.0}
    for name, dtype in (("half", torch.float16), ("whole", torch.float32)):
        trained(tiny, course(tmp_path / name, items[:1]), dtype, **settings)
    (half,), (whole,) = steps(tmp_path / "half"), steps(tmp_path / "whole")
    assert half.terms["next-token"] == pytest.approx(whole.terms["next-token"], rel=0.01)
    assert half.gradient_norm is not None
    assert half.gradient_norm == pytest.approx(whole.gradient_norm, rel=0.1)


def test_a_float16_step_whose_gradients_overflow_changes_nothing_and_says_so(
    tiny: Path, tmp_path: Path, items: list[Item]
) -> None:
    config = DistillConfig(max_steps=1, batch_size=1, warmup_ratio=0.0)
    student = load_student(resolve_model(str(tiny)), config, dtype=torch.float16)
    student.score_head[0].weight.register_hook(lambda gradient: gradient * float("inf"))
    before = {name: value.clone() for name, value in weights(student).items()}
    train(student, on_schedule(course(tmp_path, items[:1]), config), config, seed=0)
    assert steps(tmp_path)[0].gradient_norm is None
    assert all(torch.equal(before[name], value) for name, value in weights(student).items())


def test_a_training_of_one_step_changes_the_student(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    student = trained(tiny, course(tmp_path, items), max_steps=1)
    assert steps(tmp_path)[0].learning_rate == DistillConfig().learning_rate
    assert all(value.count_nonzero() for name, value in weights(student).items() if "lora_B" in name)


def test_a_large_head_gradient_does_not_shrink_the_adapters_step(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    settings = {"max_steps": 4, "batch_size": 6, "lora_dropout": 0.0, "warmup_ratio": 0.0, "graph_features": "frozen"}
    with_node = trained(tiny, course(tmp_path / "a", items), **settings)
    alone = trained(
        tiny, replace(course(tmp_path / "b", items), weights={"next-token": 1.0, "margin": 0.1}), **settings
    )
    for name, value in alone.parts()["backbone"].items():
        torch.testing.assert_close(with_node.trainable()[name], value, atol=1e-6, rtol=0)


def test_objectives_without_weight_are_not_computed(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    only = replace(course(tmp_path, items), weights={"next-token": 1.0})
    student = trained(tiny, only, max_steps=2)
    assert [list(step.terms) for step in steps(tmp_path)] == [["next-token"]] * 2
    assert set(student.parts()) == {"backbone"}


def test_the_trainer_prints_nothing(
    tiny: Path, tmp_path: Path, items: list[Item], capfd: pytest.CaptureFixture[str]
) -> None:
    trained(tiny, course(tmp_path, items), max_steps=2)
    assert capfd.readouterr().out == ""


def test_an_epoch_may_be_cut_short(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    trained(tiny, course(tmp_path, items), epochs=1.5, batch_size=4)
    assert len(steps(tmp_path)) == 3
    assert steps(tmp_path)[1].epoch == 1.0


def test_final_losses_are_means_over_the_last_tenth_of_the_steps_that_have_them() -> None:
    made = [
        Step(
            step=n,
            epoch=1.0,
            loss=float(n),
            terms={"margin": 2.0 * n} | ({"node": 1.0 * n} if n <= 20 else {}),
            term_gradient_norms={},
            accuracy={},
            gradient_norm=1.0,
            learning_rate=0.1,
            texts=1,
            tokens=1,
            seconds=1.0,
        )
        for n in range(1, 31)
    ]
    assert final_losses(made) == {"loss": 29.0, "margin": 58.0, "node": 19.5}
