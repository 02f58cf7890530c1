"""The processes that train one student together, each with its share of every step's graphs."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from accelerate import Accelerator
from torch import Tensor, nn


class Ranks(Protocol):
    """What a step needs to know of the others."""

    count: int

    def sum(self, values: Tensor) -> Tensor:
        """The sum of each value over all processes."""

    def backward(self, loss: Tensor) -> None:
        """Add up the gradients of a loss."""

    def apart(self, model: nn.Module) -> AbstractContextManager[None]:
        """Within it, gradients stay in their process."""


class Alone:
    """One process."""

    count = 1

    def sum(self, values: Tensor) -> Tensor:
        """The values."""
        return values

    def backward(self, loss: Tensor) -> None:
        """Add up the gradients of a loss."""
        torch.autograd.backward(loss)

    def apart(self, model: nn.Module) -> AbstractContextManager[None]:
        """Nobody to keep apart from."""
        del model
        return nullcontext()


class Together:
    """The processes that accelerate knows."""

    def __init__(self, accelerator: Accelerator) -> None:
        self.count: int = accelerator.num_processes
        self._accelerator = accelerator

    def sum(self, values: Tensor) -> Tensor:
        """The sum of each value over all processes."""
        total: Tensor = self._accelerator.reduce(values.to(self._accelerator.device), reduction="sum")
        return total.to(values.device)

    def backward(self, loss: Tensor) -> None:
        """Add up the gradients of a loss, whose mean over the processes is what counts."""
        self._accelerator.backward(loss)

    def apart(self, model: nn.Module) -> AbstractContextManager[None]:
        """Within it, gradients stay in their process."""
        context: AbstractContextManager[None] = self._accelerator.no_sync(model)
        return context


ALONE = Alone()


def longest(ranks: Ranks, number: int) -> int:
    """The largest number that any process has; all of them must ask."""
    reached = torch.arange(MOST_PASSES) < number
    return int((ranks.sum(reached.long()) > 0).sum())


MOST_PASSES = 1024
"""Passes that a step may take at one process."""
