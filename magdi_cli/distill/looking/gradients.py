"""A step's gradients, objective by objective, and what part of the student each of them reaches."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from transformers import set_seed

from magdi_cli.distill.encoding.batches import Batch
from magdi_cli.distill.student.objectives import Objective
from magdi_cli.distill.student.student import ADAPTER, Student
from magdi_cli.distill.training.step import accumulate_gradients

Gradients = Mapping[str, Tensor]
"""By the name of the parameter."""

ADAPTER_GROUP = "adapter"
BANDS = 3
"""Bands of neighbouring layers that the adapter's gradient is told by, beside the whole."""
LAYER = re.compile(r"\.(\d+)\.")


class Probe:
    """A step's gradients twice from the same random numbers: as training adds them up, and term by term."""

    def __init__(
        self,
        student: Student,
        batches: Sequence[Batch],
        objectives: Mapping[str, Objective],
        weights: Mapping[str, float],
        *,
        seed: int,
    ) -> None:
        self._student, self._batches, self._objectives = student, batches, objectives
        self.weights = weights
        student.train_only([head for objective in objectives.values() for head in objective.heads])
        student.train()
        self.sizes = {name: sum(map(objective.size, batches)) for name, objective in objectives.items()}
        set_seed(seed)
        with _counting(student, batches) as encoded:
            self.measured = accumulate_gradients(student, batches, objectives, weights)
        self.encoded = sum(encoded)
        """Texts encoded for training in the whole step."""
        self.total: Gradients = {name: _or_zero(p.grad, p) for name, p in student.trainable().items()}
        set_seed(seed)
        self.parts: Mapping[str, Gradients] = self._by_objective()

    @property
    def distance(self) -> float:
        """From the step's gradient to the weighted sum of its parts, relative to its norm."""
        differences = [
            total - torch.stack([self.weights[name] * part[key] for name, part in self.parts.items()]).sum(dim=0)
            for key, total in self.total.items()
        ]
        return norm(differences) / max(norm(self.total.values()), torch.finfo(torch.float32).tiny)

    def norms(self, objective: str) -> dict[str, float]:
        """The norm of an objective's own gradient in each group of parameters."""
        part = self.parts[objective]
        return {group: norm(part[key] for key in keys) for group, keys in groups(self._student).items()}

    def _by_objective(self) -> dict[str, dict[str, Tensor]]:
        parameters = self._student.trainable()
        parts = {name: {key: torch.zeros_like(p) for key, p in parameters.items()} for name in self._objectives}
        for batch in self._batches:
            for name, term in self._student(batch, self._objectives).terms.items():
                share = self._objectives[name].size(batch) / max(1, self.sizes[name])
                for key, gradient in _gradients(term.loss, parameters).items():
                    parts[name][key] += share * gradient
        return parts


def groups(student: Student) -> dict[str, list[str]]:
    """The trainable parameters' names: the adapter's, those of each band of its layers, and each head's."""
    found: dict[str, list[str]] = {}
    for part, named in student.parts().items():
        if part != ADAPTER:
            found[part] = list(named)
            continue
        found[ADAPTER_GROUP] = list(named)
        layers = sorted({layer for name in named if (layer := _layer(name)) is not None})
        for band in _bands(layers):
            found[f"layers {band[0]} to {band[-1]}"] = [name for name in named if _layer(name) in band]
    return found


def norm(tensors: Iterable[Tensor]) -> float:
    """The norm of several tensors as one vector; exactly 0 where all of them are."""
    squares = [tensor.double().pow(2).sum() for tensor in tensors]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def _gradients(loss: Tensor, parameters: Mapping[str, Tensor]) -> Gradients:
    """Of the parameters that the loss depends on."""
    if not loss.requires_grad:
        return {}
    found = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True, allow_unused=True)
    return {name: gradient for name, gradient in zip(parameters, found, strict=True) if gradient is not None}


def _or_zero(gradient: Tensor | None, parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if gradient is None else gradient


def _layer(name: str) -> int | None:
    found = LAYER.search(name)
    return int(found[1]) if found else None


def _bands(layers: Sequence[int]) -> list[list[int]]:
    """The layers in up to three bands of like size, the lowest first."""
    count = min(BANDS, len(layers))
    placed = [(place * count // len(layers), layer) for place, layer in enumerate(layers)]
    return [[layer for _, layer in band] for _, band in groupby(placed, key=lambda pair: pair[0])]


@contextmanager
def _counting(student: Student, batches: Sequence[Batch]) -> Iterator[list[int]]:
    """How many texts each pass through the model encodes that training can learn from."""
    texts = {id(rows.input_ids): rows.completion_count for batch in batches for rows in batch.rows}
    encoded: list[int] = []

    def count(module: object, arguments: object, options: Mapping[str, Any]) -> None:
        del module, arguments
        if torch.is_grad_enabled():
            encoded.append(texts[id(options["input_ids"])])

    hook = student.backbone.get_base_model().base_model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield encoded
    finally:
        hook.remove()
