"""Validation while training: it leaves no trace, and the best student is the one that is kept."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from magdi_cli.core.protocols import Request, Sampling
from magdi_cli.distill.encoding.batches import Item, batches_of
from magdi_cli.distill.encoding.material import HeldOut
from magdi_cli.distill.lessons.metrics import Validation, read_metrics
from magdi_cli.distill.student.objectives import objectives
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.answering import answered
from magdi_cli.distill.training.checkpoints import newest_checkpoint
from magdi_cli.distill.training.ranks import ALONE
from magdi_cli.distill.training.step import measure
from magdi_cli.engines.hf import open_transformers
from magdi_cli.tasks.answers import extract, verify
from magdi_cli.tasks.prompts import student_messages
from tests.distill.conftest import LAYOUT, make_student
from tests.distill.courses import (
    WEIGHTS,
    Killed,
    course,
    held_out_of,
    items_of,
    killed_after,
    same_weights,
    steps,
    trained,
    trained_and_kept,
    validations,
    without_time,
)

SETTINGS: dict[str, Any] = {"max_steps": 6, "batch_size": 3, "eval_every": 2}
NODE = {"node": 1.0}


@pytest.fixture(scope="module")
def items(tokenizer: Any) -> list[Item]:
    return items_of(tokenizer, range(1, 7))


@pytest.fixture
def judged(tokenizer: Any) -> dict[str, Any]:
    return {"held_out": held_out_of(tokenizer, (11, 12)), "measure": "loss"}


@pytest.fixture
def contrary(tokenizer: Any) -> dict[str, Any]:
    """Validation by the very opposite of what is learned: the student only gets worse at it."""
    opposite = items_of(tokenizer, (11, 12), ("+-+", "--+"))
    return {
        "held_out": HeldOut(items=tuple(opposite), problems=(), tokenizer=tokenizer),
        "measure": "loss",
        "weights": NODE,
    }


def test_a_run_with_validation_trains_the_very_weights_of_one_without(
    tiny: Path, tmp_path: Path, tokenizer: Any, items: list[Item]
) -> None:
    held_out = held_out_of(tokenizer, (11, 12), answers=True)
    watched = trained(tiny, course(tmp_path / "a", items, held_out=held_out), **SETTINGS)
    alone = trained(tiny, course(tmp_path / "b", items), **SETTINGS)
    assert same_weights(watched, alone)
    assert without_time(steps(tmp_path / "a")) == without_time(steps(tmp_path / "b"))


def test_validation_comes_at_its_steps_and_at_the_end(
    tiny: Path, tmp_path: Path, items: list[Item], judged: dict[str, Any]
) -> None:
    trained(tiny, course(tmp_path, items, **judged), max_steps=5, batch_size=3, eval_every=0.4)
    assert [found.step for found in validations(tmp_path)] == [2, 4, 5]
    assert all(set(found.terms) == set(WEIGHTS) for found in validations(tmp_path))
    assert all(set(found.accuracy) == {"margin", "node"} for found in validations(tmp_path))


def loss_of(student: Student, contrary: dict[str, Any]) -> float:
    batches = batches_of(contrary["held_out"].items, LAYOUT)
    return measure(student.eval(), batches, {"node": objectives(margin=1.0)["node"]}, NODE).loss


def test_the_kept_student_is_that_of_the_best_step_and_not_the_last(
    tiny: Path, tmp_path: Path, items: list[Item], contrary: dict[str, Any]
) -> None:
    student, kept = trained_and_kept(tiny, course(tmp_path, items, **contrary), **SETTINGS | {"eval_every": 1})
    seen = validations(tmp_path)
    assert kept == min(seen, key=lambda validation: validation.loss)
    assert kept.step < 6
    assert loss_of(student, contrary) == pytest.approx(kept.loss, rel=1e-5)


def test_the_last_student_is_kept_when_that_is_asked_for(
    tiny: Path, tmp_path: Path, items: list[Item], contrary: dict[str, Any]
) -> None:
    student, kept = trained_and_kept(tiny, course(tmp_path, items, **contrary | {"measure": "last"}), **SETTINGS)
    assert kept == validations(tmp_path)[-1]
    assert loss_of(student, contrary) == pytest.approx(kept.loss, rel=1e-5)


def test_training_stops_when_patience_is_out_and_does_not_begin_again(
    tiny: Path, tmp_path: Path, items: list[Item], contrary: dict[str, Any]
) -> None:
    settings = SETTINGS | {"eval_every": 1, "patience": 1, "max_steps": 20}
    student, kept = trained_and_kept(tiny, course(tmp_path, items, **contrary), **settings)
    seen = validations(tmp_path)
    assert kept == seen[-2]
    assert len(steps(tmp_path)) == seen[-1].step < 20
    before = (tmp_path / "metrics.jsonl").read_bytes()
    again, kept_again = trained_and_kept(tiny, course(tmp_path, items, **contrary), **settings)
    assert same_weights(again, student)
    assert kept_again == kept
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def killed_at(step: int) -> Callable[[Validation], None]:
    def validated(validation: Validation) -> None:
        if validation.step == step:
            raise Killed

    return validated


@pytest.mark.parametrize("kill", [{"validated": killed_at(4)}, {"step_done": killed_after(4)}])
def test_a_run_killed_about_a_validation_ends_like_one_that_was_not(
    tiny: Path, tmp_path: Path, items: list[Item], contrary: dict[str, Any], kill: dict[str, Any]
) -> None:
    straight, kept = trained_and_kept(tiny, course(tmp_path / "a", items, **contrary), **SETTINGS)
    with pytest.raises(Killed):
        trained(tiny, course(tmp_path / "b", items, **contrary, **kill), **SETTINGS)
    resumed, kept_again = trained_and_kept(tiny, course(tmp_path / "b", items, **contrary), **SETTINGS)
    assert same_weights(resumed, straight)
    assert kept is not None
    assert kept_again is not None
    assert kept_again.step == kept.step < 6
    assert without_time(read_metrics(tmp_path / "a/metrics.jsonl")) == without_time(
        read_metrics(tmp_path / "b/metrics.jsonl")
    )


def test_the_best_checkpoint_outlives_the_later_ones(
    tiny: Path, tmp_path: Path, items: list[Item], contrary: dict[str, Any]
) -> None:
    _, kept = trained_and_kept(tiny, course(tmp_path, items, **contrary), **SETTINGS | {"max_steps": 8})
    assert kept is not None
    left = {path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")}
    assert left == {f"checkpoint-{kept.step}", "checkpoint-8"}
    assert newest_checkpoint(tmp_path / "checkpoints") == tmp_path / "checkpoints/checkpoint-8"


def test_answers_are_those_that_the_evaluation_engine_gets(tiny: Path, tokenizer: Any) -> None:
    held_out = held_out_of(tokenizer, range(11, 31), answers=True)
    found = answered(make_student(tiny), held_out, ALONE, 0)
    student = make_student(tiny)
    student.backbone.save_pretrained(tiny.parent / "adapter")
    texts = asyncio.run(_replies(tiny, held_out.problems, held_out.max_tokens))
    read = [extract(text, problem) for text, problem in zip(texts, held_out.problems, strict=True)]
    assert (found.n, found.unanswered) == (20, read.count(None))
    assert found.correct == sum(
        one is not None and verify(one.answer, problem).correct
        for one, problem in zip(read, held_out.problems, strict=True)
    )
    assert found.interval[0] <= found.accuracy <= found.interval[1]


async def _replies(tiny: Path, problems: Any, max_tokens: int) -> list[str]:
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
    requests = [Request(messages=student_messages(p), sampling=sampling, problem=p) for p in problems]
    async with open_transformers(str(tiny), adapter=tiny.parent / "adapter", seed=0) as engine:
        return [c.replies[0].text for c in await asyncio.gather(*map(engine.generate, requests))]


def test_answering_leaves_the_student_able_to_train(tiny: Path, tokenizer: Any, items: list[Item]) -> None:
    student = make_student(tiny)
    answered(student, held_out_of(tokenizer, (11,), answers=True), ALONE, 0)
    outputs = student.train().read(batches_of(items[:1], LAYOUT)[0])
    outputs.token_losses.sum().backward()
    gradients = [parameter.grad for name, parameter in student.trainable().items() if "lora_A" in name]
    assert all(gradient is not None and torch.count_nonzero(gradient) for gradient in gradients)
