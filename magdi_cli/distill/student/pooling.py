"""A text as one vector, whatever stands around it."""

import torch
from torch import Tensor


def pool(states: Tensor, members: Tensor) -> Tensor:
    """Each text's mean state, later ones weighing more: rows `[R, T, H]` of texts `[R, S, T]` become `[R, S, H]`.

    The n-th state of a text weighs n (SGPT's position weighting, as in MAGDi's released code). A row with
    fewer texts than others has vectors of zeros in their place.
    """
    # counted along the text, not along the row: padding and neighbours must not move the vector
    weights = members.cumsum(dim=2, dtype=torch.float32) * members
    weights = weights / weights.sum(dim=2, keepdim=True).clamp(min=1)
    return weights @ states.float()
