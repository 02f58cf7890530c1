import pytest
import torch
from torch import nn
from torch.nn import functional as F

from magdi_cli.distill.student.token_losses import CHUNK, token_losses


@pytest.mark.parametrize("positions", [1, CHUNK, 2 * CHUNK + 3])
def test_chunks_change_neither_losses_nor_gradients(positions: int) -> None:
    torch.manual_seed(0)
    head = nn.Linear(8, 30, bias=False).requires_grad_(False)
    states = torch.randn(positions, 8, requires_grad=True)
    labels, weights = torch.randint(30, (positions,)), torch.rand(positions)
    plain = F.cross_entropy(head(states), labels, reduction="none")
    (expected,) = torch.autograd.grad((plain * weights).sum(), states)
    ours = token_losses(states, labels, head)
    (found,) = torch.autograd.grad((ours * weights).sum(), states)
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(found, expected)


def test_no_positions_make_no_losses_and_a_gradient_of_zero() -> None:
    states = torch.randn(0, 8, requires_grad=True)
    losses = token_losses(states, torch.empty(0, dtype=torch.long), nn.Linear(8, 30))
    losses.sum().backward()
    assert losses.shape == (0,)
    assert states.grad is not None
