"""A text as one vector, whatever the padding around it."""

import torch
from torch import Tensor


def pool(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the masked states, later ones weighing more: rows `[R, T, H]` become vectors `[R, H]`.

    The n-th masked state weighs n (SGPT's position weighting, as in MAGDi's released code).
    """
    # counted along the mask, not along the row: left padding must not move the vector
    weights = mask.cumsum(dim=1, dtype=torch.float32) * mask
    weights = weights / weights.sum(dim=1, keepdim=True)
    return (weights.unsqueeze(1) @ states.float()).squeeze(1)
