import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from magdi_cli.distill.student.encoder import LAYERS, FlipHead, GraphEncoder

ROUNDS = torch.tensor([(a, b) for a in range(3) for b in range(3, 6)]).T
"""Three turns that three later ones were shown."""

every_gnn = pytest.mark.parametrize("gnn", list(LAYERS))


@pytest.fixture
def vectors() -> Tensor:
    return torch.randn(6, 16, generator=torch.Generator().manual_seed(1))


def encoder(gnn: str) -> GraphEncoder:
    torch.manual_seed(0)
    return GraphEncoder(16, gnn=gnn).eval()


def test_every_gnn_has_layers_of_its_own() -> None:
    assert len({type(encoder(gnn).first) for gnn in LAYERS}) == len(LAYERS) == 3
    assert all(type(encoder(gnn).first) is type(encoder(gnn).second) for gnn in LAYERS)


@every_gnn
def test_every_node_gets_two_logits(gnn: str, vectors: Tensor) -> None:
    assert encoder(gnn)(vectors, ROUNDS).shape == (6, 2)
    assert encoder(gnn).mixed(vectors, ROUNDS).shape == (6, 16)


@every_gnn
def test_a_node_is_classified_by_what_it_heard_and_by_nothing_else(gnn: str, vectors: Tensor) -> None:
    heard, deaf = encoder(gnn)(vectors, ROUNDS), encoder(gnn)(vectors, ROUNDS[:, :0])
    assert all(not torch.allclose(heard[node], deaf[node]) for node in (3, 4, 5))
    others = vectors.clone()
    others[3:] = 0.5
    torch.testing.assert_close(encoder(gnn)(others, ROUNDS)[:3], heard[:3])


@every_gnn
def test_an_edge_is_read_in_its_direction(gnn: str, vectors: Tensor) -> None:
    there, back = (encoder(gnn)(vectors, edges) for edges in (ROUNDS, ROUNDS.flip(0)))
    assert not torch.allclose(there, back)


@every_gnn
def test_without_edges_every_node_is_classified_alone(gnn: str, vectors: Tensor) -> None:
    none = ROUNDS[:, :0]
    together = encoder(gnn)(vectors, none)
    alone = torch.cat([encoder(gnn)(vector, none) for vector in vectors.split(1)])
    torch.testing.assert_close(together, alone)
    assert together.std(dim=0).min() > 0


@every_gnn
def test_evaluation_is_deterministic_and_training_drops_out(gnn: str, vectors: Tensor) -> None:
    made = encoder(gnn)
    assert torch.equal(made(vectors, ROUNDS), made(vectors, ROUNDS))
    made.train()
    assert not torch.equal(made(vectors, ROUNDS), made(vectors, ROUNDS))


@every_gnn
def test_the_scale_of_a_models_vectors_does_not_matter(gnn: str, vectors: Tensor) -> None:
    torch.testing.assert_close(encoder(gnn)(34 * vectors, ROUNDS), encoder(gnn)(vectors, ROUNDS))


def test_a_flip_is_told_from_both_its_ends_in_their_order() -> None:
    head = FlipHead(2)
    with torch.no_grad():
        head.linear.weight.copy_(torch.tensor([[0.0, 0, 0, 0], [-1, 0, 1, 0], [1, 0, -1, 0]]))
        head.linear.bias.copy_(torch.tensor([0.5, 0, 0]))
    right, wrong = [1.0, 9.0], [0.0, 9.0]
    states = torch.tensor([right, wrong, wrong, right])
    flips = torch.tensor([(0, 3), (1, 2), (1, 3), (0, 2)]).T
    assert head(states, flips).argmax(dim=1).tolist() == [0, 0, 1, 2]


def test_the_flip_head_can_learn_every_class() -> None:
    torch.manual_seed(0)
    states, head = torch.eye(2).repeat(2, 1), FlipHead(2)
    flips, classes = torch.tensor([(0, 2), (1, 3), (1, 2), (0, 3)]).T, torch.tensor([0, 0, 1, 2])
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(head(states, flips), classes).backward()
        optimizer.step()
    assert head(states, flips).argmax(dim=1).tolist() == classes.tolist()
