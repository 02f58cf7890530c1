"""The graph encoder: who answered whom, over the student's own node vectors."""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

with warnings.catch_warnings():
    # torch_geometric 2.8 compiles parts of itself, which we do not use, by a way that torch 2.13 deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import GATConv, GCNConv, SAGEConv

WIDEST = 512
"""Hidden width of the released code's encoder; smaller students get a smaller one."""


LAYERS: Mapping[str, Callable[[int, int], nn.Module]] = MappingProxyType(
    {"gcn": GCNConv, "sage": SAGEConv, "gat": GATConv}
)
"""By the names of `--gnn`: degree-normalised sums (arXiv 1609.02907), means of the heard beside the node itself
(1706.02216), one head of attention (1710.10903); without edges each reads the node alone."""

FLIPS = ("keep", "fix", "break")
"""What a later turn made of an earlier one's verdict: nothing, right from wrong, wrong from right."""


class GraphEncoder(nn.Module):
    """Two graph layers: node vectors `[N, H]` and edges `[2, E]` become states `[N, W]`, and these logits `[N, 2]`.

    Column 1 is the logit of "correct". A node mixes in what it heard and what those turns had heard.
    Of a vector only the direction is read, so that models of any scale train alike.
    """

    def __init__(self, hidden_size: int, *, gnn: str = "gcn", dropout: float = 0.5) -> None:
        super().__init__()
        self.width = min(WIDEST, hidden_size)
        self.first = LAYERS[gnn](hidden_size, self.width)
        self.dropout = nn.Dropout(dropout)
        self.second = LAYERS[gnn](self.width, 2)

    def forward(self, vectors: Tensor, edges: Tensor) -> Tensor:
        """The logits of every node."""
        return self.classified(self.mixed(vectors, edges), edges)

    def mixed(self, vectors: Tensor, edges: Tensor) -> Tensor:
        """The state of every node: itself and what it heard."""
        # at the length a language model gives them (34 in SmolLM2) every AdamW step overshoots and the loss climbs
        directions = F.normalize(vectors)
        states: Tensor = self.dropout(F.relu(self.first(directions, edges)))
        return states

    def classified(self, states: Tensor, edges: Tensor) -> Tensor:
        """The logits of every node, from the states."""
        logits: Tensor = self.second(states, edges)
        return logits


class FlipHead(nn.Module):
    """What became of an answer: `A [h_earlier ; h_later] + b`, from states `[N, W]` and flips `[2, F]` to `[F, 3]`.

    The columns are `FLIPS`. One linear layer suffices: where a direction of the states tells right from wrong,
    "fix" is the difference of the ends along it, "break" its negative, and "keep" a constant between.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * width, len(FLIPS))

    def forward(self, states: Tensor, flips: Tensor) -> Tensor:
        """The logits of every flip."""
        earlier, later = states[flips]
        logits: Tensor = self.linear(torch.cat((earlier, later), dim=1))
        return logits
