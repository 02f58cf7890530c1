"""LoRA's dropout, as fast as the rest of a step."""

from math import log1p

import torch
from torch import Tensor, nn


class SparseDropout(nn.Dropout):
    """Dropout that on a CPU draws only which states it drops; torch draws a number for each, a third of a step.

    With n states, -n ln(1 - p) draws with replacement leave each of them with probability 1 - p.
    """

    def forward(self, states: Tensor) -> Tensor:
        """The states with some set to 0 in training, as they are otherwise."""
        if not self.training or not 0 < self.p < 1 or states.device.type != "cpu":
            return super().forward(states)
        flat = states.reshape(-1)
        dropped = torch.randint(len(flat), (round(-len(flat) * log1p(-self.p)),))
        kept: Tensor = flat.index_fill(0, dropped, 0.0) / (1 - self.p)
        return kept.view(states.shape)


def use_sparse_dropout(model: nn.Module) -> None:
    """Replace the dropout of every LoRA layer of the model."""
    for module in model.modules():
        layers = getattr(module, "lora_dropout", {})
        for name, dropout in layers.items():
            if isinstance(dropout, nn.Dropout):
                layers[name] = SparseDropout(dropout.p)
