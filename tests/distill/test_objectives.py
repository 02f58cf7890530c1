import pytest
import torch

from magdi_cli.core.level import OBJECTIVES
from magdi_cli.distill.lessons.examples import KINDS, NEEDS, READS
from magdi_cli.distill.student.encoder import FLIPS, FlipHead
from magdi_cli.distill.student.objectives import (
    Term,
    flip_classes,
    flip_loss,
    margin_loss,
    next_token_loss,
    node_loss,
    objectives,
    weighted_sum,
)


def test_every_objective_has_its_row_in_every_table() -> None:
    assert list(OBJECTIVES) == list(READS) == list(NEEDS) == list(objectives(margin=1.0))
    assert {kind for needed in NEEDS.values() for kind in needed} == set(KINDS)


def test_the_margin_loss_of_one_graph_is_torchs_margin_ranking_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    chosen, rejected = torch.rand(2, 50, generator=generator).mul(2).sub(1)
    ours = margin_loss(chosen, rejected, torch.zeros(50, dtype=torch.long), margin=0.7)
    torchs = torch.nn.MarginRankingLoss(margin=0.7)(chosen, rejected, torch.ones(50))
    torch.testing.assert_close(ours, torchs)


def test_the_margin_loss_by_hand() -> None:
    chosen, rejected = torch.tensor([0.5, 0.5]), torch.tensor([0.0, 0.75])
    assert margin_loss(chosen, rejected, torch.tensor([0, 0])).item() == 0.875


def test_a_graph_with_many_pairs_counts_no_more_than_one_with_few() -> None:
    chosen, rejected = torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([0.5, 0.5, 0.5, 0.5])
    graphs = torch.tensor([0, 0, 0, 2])
    assert margin_loss(chosen, rejected, graphs).item() == pytest.approx((0.5 + 1.5) / 2)


def test_no_pairs_make_zero_that_still_has_a_gradient() -> None:
    scores = torch.tensor([0.3, 0.4], requires_grad=True)
    none = torch.empty(0, dtype=torch.long)
    loss = margin_loss(scores[none], scores[none], none)
    loss.backward()
    assert loss.item() == 0.0
    assert scores.grad is not None
    assert scores.grad.tolist() == [0.0, 0.0]


def test_next_token_is_the_mean_over_target_tokens() -> None:
    losses, weights = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([1, 1, 1])
    assert next_token_loss(losses, weights).item() == 3.0


def test_a_text_that_two_nodes_share_counts_twice() -> None:
    assert next_token_loss(torch.tensor([1.0, 4.0]), torch.tensor([2, 1])).item() == 2.0


def test_no_target_tokens_make_zero_that_still_has_a_gradient() -> None:
    losses = torch.empty(0, requires_grad=True)
    loss = next_token_loss(losses, torch.empty(0, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0


def test_the_node_loss_is_the_mean_cross_entropy_of_two_classes() -> None:
    logits = torch.tensor([[0.0, 0.0], [0.0, 100.0]])
    expected = (torch.log(torch.tensor(2.0)) + 100.0) / 2
    torch.testing.assert_close(node_loss(logits, torch.tensor([True, False])), expected)


def test_a_flip_is_kept_fixed_or_broken_by_the_two_verdicts() -> None:
    earlier, later = torch.tensor([[True, False, False, True], [True, False, True, False]])
    assert [FLIPS[number] for number in flip_classes(earlier, later)] == ["keep", "keep", "fix", "break"]


def test_the_flip_loss_of_one_graph_is_the_mean_cross_entropy_of_three_classes() -> None:
    logits, classes = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)), torch.arange(7) % 3
    ours = flip_loss(logits, classes, torch.zeros(7, dtype=torch.long))
    torch.testing.assert_close(ours, torch.nn.CrossEntropyLoss()(logits, classes))


def test_a_graph_with_many_flips_counts_no_more_than_one_with_few() -> None:
    sure, classes = torch.tensor([[200.0, 0.0, 0.0]]).expand(4, 3), torch.tensor([0, 0, 0, 1])
    assert flip_loss(sure, classes, torch.tensor([0, 0, 0, 2])).item() == 100.0


def test_no_flips_make_zero_that_still_has_a_gradient() -> None:
    states = torch.randn(4, 8, requires_grad=True)
    none = torch.empty(0, dtype=torch.long)
    loss = flip_loss(FlipHead(8)(states, none.reshape(2, 0)), none, none)
    loss.backward()
    assert loss.item() == 0.0
    assert states.grad is not None
    assert not states.grad.any()


def test_the_total_is_the_weighted_sum() -> None:
    terms = {"next-token": Term(loss=torch.tensor(2.0)), "margin": Term(loss=torch.tensor(3.0))}
    assert weighted_sum(terms, {"next-token": 1.0, "margin": 0.1}).item() == pytest.approx(2.3)
