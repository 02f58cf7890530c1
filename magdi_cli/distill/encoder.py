"""The graph encoder: who answered whom, over the student's own node vectors."""

import warnings

from torch import Tensor, nn
from torch.nn import functional as F

with warnings.catch_warnings():
    # torch_geometric 2.8 compiles parts of itself, which we do not use, by a way that torch 2.13 deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import GCNConv

WIDEST = 512
"""Hidden width of the released code's encoder; smaller students get a smaller one."""


class GraphEncoder(nn.Module):
    """Two graph convolutions: node vectors `[N, H]` and edges `[2, E]` become logits `[N, 2]`.

    Column 1 is the logit of "correct". A node mixes in what it heard and what those turns had heard.
    Of a vector only the direction is read, so that models of any scale train alike.
    """

    def __init__(self, hidden_size: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        width = min(WIDEST, hidden_size)
        self.first = GCNConv(hidden_size, width)
        self.dropout = nn.Dropout(dropout)
        self.second = GCNConv(width, 2)

    def forward(self, vectors: Tensor, edges: Tensor) -> Tensor:
        """The logits of every node."""
        # at the length a language model gives them (34 in SmolLM2) every AdamW step overshoots and the loss climbs
        directions = F.normalize(vectors)
        mixed = self.dropout(F.relu(self.first(directions, edges)))
        logits: Tensor = self.second(mixed, edges)
        return logits
