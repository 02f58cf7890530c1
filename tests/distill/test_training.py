import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.level import LEVELS
from magdi_cli.core.records import read_records
from magdi_cli.distill.batches import Item, tokenize
from magdi_cli.distill.examples import example_from
from magdi_cli.distill.loading import load_student
from magdi_cli.distill.metrics import Step, final_losses
from magdi_cli.distill.schedule import Schedule, planned, shuffled
from magdi_cli.distill.student import Student
from magdi_cli.distill.training import TRAINABLE, Course, newest_checkpoint, train
from magdi_cli.engines.weights import resolve_model
from tests.distill.conftest import LAYOUT, make_student
from tests.distill.graphs import graph

WEIGHTS = {"next-token": 1.0, "margin": 0.1, "node": 1.0}


@pytest.fixture(scope="module")
def items(tokenizer: Any) -> list[Item]:
    examples = [example_from(graph(["-+-", "++-"], number=n), LEVELS["graph"], teacher=None) for n in range(1, 7)]
    return [tokenize(example, tokenizer) for example in examples if example]


def course(folder: Path, items: Sequence[Item], step_done: Callable[[Step], None] = lambda step: None) -> Course:
    return Course(
        items=items,
        weights=WEIGHTS,
        checkpoints=folder / "checkpoints",
        metrics=folder / "metrics.jsonl",
        layout=LAYOUT,
        schedule=Schedule(steps=(), epochs=()),
        step_done=step_done,
    )


def trained(tiny: Path, taken: Course, **settings: Any) -> Student:
    config = DistillConfig(**settings)
    torch.manual_seed(5)
    student = load_student(resolve_model(str(tiny)), config, dtype=torch.float32)
    train(student, on_schedule(taken, config), config, seed=5)
    return student


def on_schedule(taken: Course, config: DistillConfig) -> Course:
    lengths = [item.length for item in taken.items]
    return replace(taken, schedule=planned(lengths, shuffled(len(lengths), config.seed), config))


def steps(folder: Path) -> list[Step]:
    return list(read_records(folder / "metrics.jsonl", Step))


def weights(student: Student) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in student.trainable().items()}


def without_time(taken: Sequence[Step]) -> list[Step]:
    return [replace(step, seconds=0.0) for step in taken]


class Killed(Exception):
    """What stands for a kill in these tests."""


def killed_after(last: int) -> Callable[[Step], None]:
    def step_done(step: Step) -> None:
        if step.step > last:
            raise Killed

    return step_done


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
    assert all(torch.equal(weights(resumed)[name], value) for name, value in weights(straight).items())


def test_a_run_killed_after_its_last_step_resumes_to_its_end(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    settings = {"max_steps": 2, "batch_size": 3}
    straight = trained(tiny, course(tmp_path, items), **settings)
    again = trained(tiny, course(tmp_path, items), **settings)
    assert all(torch.equal(weights(again)[name], value) for name, value in weights(straight).items())
    assert len(steps(tmp_path)) == 2


def test_the_same_seed_makes_the_same_student(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    first, second = (trained(tiny, course(tmp_path / name, items), max_steps=2) for name in ("a", "b"))
    assert all(torch.equal(weights(second)[name], value) for name, value in weights(first).items())


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
    with pytest.raises(DataProblem, match=r"not finite \(.*margin nan.*\) on problems p\d"):
        train(student, on_schedule(course(tmp_path, items), config), config, seed=0)


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
