"""What the flip objective reads of a graph, beside the flip ledger that people read."""

from itertools import pairwise
from typing import Any

import torch
from hypothesis import given

from magdi_cli.build_graph.flips import flips as ledger
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.encoding.batches import batch_of, tokenize
from magdi_cli.distill.lessons.examples import example_from, nodes_read
from magdi_cli.distill.student.encoder import FLIPS
from magdi_cli.distill.student.objectives import flip_classes
from magdi_cli.tasks.material import own_edges
from tests.build_graph.any_graphs import any_graphs
from tests.distill.conftest import LAYOUT
from tests.distill.graphs import graph, graphs

KINDS = {"kept-right": "keep", "kept-wrong": "keep", "corrected": "fix", "corrupted": "break"}


@given(graphs())
def test_flips_join_the_consecutive_turns_of_a_seat_and_nothing_else(drawn: InteractionGraph) -> None:
    seats = dict.fromkeys(node.agent for node in drawn.nodes)
    turns = [[i for i, node in enumerate(drawn.nodes) if node.agent == seat] for seat in seats]
    consecutive = {edge for own in turns for edge in pairwise(own)}
    assert len(consecutive) == sum(len(own) - 1 for own in turns)
    assert set(own_edges(drawn)) == consecutive & set(drawn.edges)


@given(any_graphs())
def test_the_student_is_asked_about_the_flips_of_the_ledger(drawn: InteractionGraph) -> None:
    found = own_edges(drawn)
    correct = torch.tensor([node.correct for node in drawn.nodes])
    classes = flip_classes(*correct[torch.tensor(found, dtype=torch.long).reshape(-1, 2).T])
    assert [(*edge, FLIPS[number]) for edge, number in zip(found, classes, strict=True)] == [
        (flip.start, flip.end, KINDS[flip.kind]) for flip in ledger(drawn)
    ]


def test_every_flip_of_a_batch_stays_in_its_example(tokenizer: Any) -> None:
    drawn = [graph(["+-", "-+"]), graph(["+-"], number=2), graph(["?+", " +", "++"], number=3)]
    examples = [example_from(one, LEVELS["graph"], teacher=None) for one in drawn]
    batch = batch_of([tokenize(example, tokenizer) for example in examples if example], LAYOUT)
    assert batch.flips.T.tolist() == [[0, 2], [1, 3], [7, 8], [8, 10]]
    assert batch.flip_graphs.tolist() == [0, 0, 2, 2]
    assert batch.flipped_graphs == 2
    assert flip_classes(*batch.correct[batch.flips]).tolist() == [2, 1, 0, 0]


def test_without_other_objectives_only_the_ends_of_flips_are_encoded() -> None:
    weights = {"next-token": 0.0, "margin": 0.0, "node": 0.0, "flip": 1.0}
    level = LEVELS["graph"].reweighted(weights)
    example = example_from(graph(["+- ", "- +"]), level, teacher=None)
    assert example is not None
    assert (example.texts, example.flips) == (
        ("ada adds in round 0.\nSo the answer is 2.", "ada adds in round 1.\nSo the answer is 6."),
        ((0, 1),),
    )
    assert nodes_read(example, ["flip"]) == [0, 1]
