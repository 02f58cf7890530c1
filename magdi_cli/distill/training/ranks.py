"""The processes that train one student together, each with its share of every step's graphs."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import torch
from accelerate import Accelerator, PartialState
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from magdi_cli.core.launcher import launched


class Ranks(Protocol):
    """What a step needs to know of the others."""

    count: int

    def sum(self, values: Tensor) -> Tensor:
        """The sum of each value over all processes."""

    def most(self, number: int) -> int:
        """The largest number that any process has; all of them must ask."""

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

    def most(self, number: int) -> int:
        """The number."""
        return number

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

    def most(self, number: int) -> int:
        """The largest number that any process has; all of them must ask."""
        return int(self._accelerator.gather(torch.tensor([number], device=self._accelerator.device)).max())

    def backward(self, loss: Tensor) -> None:
        """Add up the gradients of a loss, whose mean over the processes is what counts."""
        self._accelerator.backward(loss)

    @contextmanager
    def apart(self, model: nn.Module) -> Iterator[None]:
        """Within it, gradients stay in their process."""
        # DeepSpeed reads the state instead, and would step after every pass
        state = self._accelerator.gradient_state
        state._set_sync_gradients(False)
        try:
            with self._accelerator.no_sync(model):
                yield
        finally:
            state._set_sync_gradients(True)


ALONE = Alone()


def wait_for_all() -> None:
    """Go on once every process is here."""
    if launched():
        PartialState(cpu=not torch.cuda.is_available()).wait_for_everyone()


@contextmanager
def company() -> Iterator[None]:
    """Within it, this process may keep in touch with the others; afterwards it does no more."""
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def whole(parameter: Tensor) -> Tensor:
    """A parameter's values, gathered where each process holds a part; all of them must ask."""
    values = parameter.detach()
    return values.full_tensor() if isinstance(values, DTensor) else values


def fill(parameter: Tensor, values: Tensor) -> None:
    """Set a parameter, or this process's part of it."""
    target = parameter.detach()
    if isinstance(target, DTensor):
        values = distribute_tensor(values.to(target.device), target.device_mesh, target.placements)
    target.copy_(values)
