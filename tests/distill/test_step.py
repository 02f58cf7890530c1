from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from magdi_cli.core.level import LEVELS
from magdi_cli.distill.encoding.batches import Item, batch_of, tokenize
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.student.objectives import Term, objectives
from magdi_cli.distill.student.student import Judged, Student
from magdi_cli.distill.training.step import Measured, accumulate_gradients, measure
from tests.distill.conftest import LAYOUT, make_student
from tests.distill.graphs import graph

WEIGHTS = {"next-token": 1.0, "margin": 0.1, "node": 1.0, "flip": 0.5}
VERDICTS = (["-+?", "++-"], ["+++"], ["---"], ["+-"])


@pytest.fixture(scope="module")
def items(tokenizer: Any) -> list[Item]:
    examples = [example_from(graph(v, number=n), LEVELS["graph"], teacher=None) for n, v in enumerate(VERDICTS)]
    return [tokenize(example, tokenizer) for example in examples if example]


def gradients(student: Student, parts: list[list[Item]]) -> tuple[Measured, dict[str, Tensor]]:
    student.eval().zero_grad()
    batches = [batch_of(part, LAYOUT) for part in parts]
    measured = accumulate_gradients(student, batches, objectives(margin=1.0), WEIGHTS)
    return measured, {name: p.grad.clone() for name, p in student.trainable().items() if p.grad is not None}


def test_batches_one_after_the_other_are_one_big_batch(student: Student, items: list[Item]) -> None:
    whole, expected = gradients(student, [items])
    parted, found = gradients(student, [[item] for item in items])
    assert parted.terms == pytest.approx(whole.terms, rel=1e-5)
    assert parted.loss == pytest.approx(whole.loss, rel=1e-5)
    assert (parted.accuracy, parted.texts, parted.tokens) == (whole.accuracy, whole.texts, whole.tokens)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


def test_the_loss_is_the_weighted_sum_of_the_terms(student: Student, items: list[Item]) -> None:
    measured, _ = gradients(student, [items[:2], items[2:]])
    assert measured.loss == pytest.approx(sum(WEIGHTS[name] * loss for name, loss in measured.terms.items()))


def test_a_term_without_material_in_the_step_is_not_told(student: Student, items: list[Item]) -> None:
    only_wrong, _ = gradients(student, [[items[2]]])
    assert set(only_wrong.terms) == {"node"}
    only_right, _ = gradients(student, [[items[1]]])
    assert set(only_right.terms) == {"next-token", "node"}


class Sure(nn.Module):
    """Says the same of every batch."""

    def forward(self, batch: object, objectives: object) -> Judged:
        del batch, objectives
        return Judged(terms={"node": Term(loss=torch.tensor(2.0), right=1, judged=2)}, states=())


def test_no_batch_is_left_out_however_many_there_are(items: list[Item]) -> None:
    batches = [batch_of(items[:1], LAYOUT)] * 3000
    measured = measure(Sure(), batches, {"node": objectives(margin=1.0)["node"]}, {"node": 1.0})
    assert (measured.loss, measured.accuracy) == (pytest.approx(2.0), {"node": 0.5})


def test_a_step_encodes_every_distinct_node_exactly_once(student: Student, items: list[Item]) -> None:
    rows: list[int] = []
    student.backbone.get_base_model().base_model.register_forward_pre_hook(
        lambda module, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    measured, _ = gradients(student, [[item] for item in items])
    assert sum(rows) == measured.texts == sum(len(item.completions) for item in items)


def test_frozen_features_keep_the_node_loss_out_of_the_adapter(tiny: Path, items: list[Item]) -> None:
    student = make_student(tiny, graph_features="frozen")
    _, with_node = gradients(student, [items])
    batch = batch_of(items, LAYOUT)
    known = objectives(margin=1.0)
    student.zero_grad()
    outputs = student.read(batch)
    (known["next-token"].term(outputs, batch).loss + 0.1 * known["margin"].term(outputs, batch).loss).backward()
    for name, parameter in student.parts()["backbone"].items():
        torch.testing.assert_close(with_node[name], parameter.grad, atol=1e-7, rtol=1e-5)


def test_accuracies_are_shares_of_all_pairs_and_nodes(student: Student, items: list[Item]) -> None:
    measured, _ = gradients(student, [[item] for item in items])
    pairs, nodes = 3 * 3 + 1, 6 + 3 + 3 + 2
    assert (measured.accuracy["margin"] * pairs) == pytest.approx(round(measured.accuracy["margin"] * pairs))
    assert (measured.accuracy["node"] * nodes) == pytest.approx(round(measured.accuracy["node"] * nodes))
    assert (measured.accuracy["flip"] * 3) == pytest.approx(round(measured.accuracy["flip"] * 3))
