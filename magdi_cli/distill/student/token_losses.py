"""Next-token losses without ever holding all logits: the vocabulary projection, chunk by chunk."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 256
"""Positions whose logits exist at one time; at a vocabulary of 49,152 they take 50 MB."""


class _TokenLosses(torch.autograd.Function):
    """Each chunk's gradient is taken while its logits exist, so nothing is kept for later or computed twice."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, labels: Tensor, project: Callable[[Tensor], Tensor]) -> Tensor:
        losses, gradients = [], []
        for part, expected in zip(torch.split(states, CHUNK), torch.split(labels, CHUNK), strict=True):
            with torch.enable_grad():
                leaf = part.detach().requires_grad_()
                loss = F.cross_entropy(project(leaf).float(), expected, reduction="none")
                if ctx.needs_input_grad[0]:
                    gradients.append(torch.autograd.grad(loss.sum(), leaf)[0])
            losses.append(loss.detach())
        if gradients:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, *output_gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradients,) = ctx.saved_tensors
        return (gradients * output_gradients[0].unsqueeze(1)).to(gradients.dtype), None, None


def token_losses(states: Tensor, labels: Tensor, project: Callable[[Tensor], Tensor]) -> Tensor:
    """The negative log-likelihood of each label `[K]` under `project(states)`, for states `[K, H]`.

    The gradient reaches the states only: the projection must be frozen.
    """
    losses: Tensor = _TokenLosses.apply(states, labels, project)  # type: ignore[no-untyped-call]
    return losses
