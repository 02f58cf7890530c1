from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.lessons.ablations import GRAPH_FEATURES, PAIRS, joined
from magdi_cli.distill.lessons.examples import Example, example_from, nodes_read
from tests.distill.graphs import graph, graphs, problem

examples = (
    graphs()
    .map(lambda drawn: example_from(drawn, LEVELS["graph"], teacher=None))
    .filter(lambda example: example is not None)
)
seeds = st.integers(0, 5)


def with_edges(example: Example, features: str, seed: int = 0) -> Example:
    return joined(example, DistillConfig(graph_features=features, seed=seed))


def whole(*verdicts: str, number: int = 1) -> Example:
    example = example_from(graph(verdicts, number=number), LEVELS["graph"], teacher=None)
    assert example is not None
    return example


@given(examples, seeds, st.sampled_from(["live", "frozen"]))
def test_without_an_ablation_an_example_stays_as_it_is(example: Example, seed: int, features: str) -> None:
    assert with_edges(example, features, seed) == example


@given(examples, seeds, st.sampled_from(list(GRAPH_FEATURES)))
def test_an_ablation_of_the_features_changes_edges_only(example: Example, seed: int, features: str) -> None:
    assert replace(with_edges(example, features, seed), edges=example.edges) == example


@given(examples, seeds)
def test_shuffled_edges_are_as_many_in_the_same_shape(example: Example, seed: int) -> None:
    edges = with_edges(example, "shuffled", seed).edges
    assert len(set(edges)) == len(edges) == len(example.edges)
    assert all(start != end for start, end in edges)
    for side in (0, 1):
        assert degrees(edges, side) == degrees(example.edges, side)


def degrees(edges: tuple[tuple[int, int], ...], side: int) -> list[int]:
    ends = [edge[side] for edge in edges]
    return sorted(map(ends.count, set(ends)))


@given(examples, seeds)
def test_edges_reversed_twice_are_the_edges(example: Example, seed: int) -> None:
    back = with_edges(example, "reversed", seed)
    assert back.edges == tuple((end, start) for start, end in example.edges)
    assert with_edges(back, "reversed", seed) == example


@given(examples)
def test_none_leaves_no_edge_and_every_flip(example: Example) -> None:
    deaf = with_edges(example, "none")
    assert (deaf.edges, deaf.flips) == ((), example.flips)


def test_shuffled_edges_depend_on_the_problem_and_the_seed_alone() -> None:
    first, second = whole("+-+", "-+-", "+++", number=1), whole("+-+", "-+-", "+++", number=2)
    assert with_edges(first, "shuffled") == with_edges(first, "shuffled")
    assert set(with_edges(first, "shuffled").edges) != set(first.edges)
    assert with_edges(first, "shuffled").edges != with_edges(second, "shuffled").edges
    assert with_edges(first, "shuffled", seed=0).edges != with_edges(first, "shuffled", seed=1).edges


verdicts = st.lists(st.booleans(), max_size=14)


@pytest.mark.parametrize(
    ("correct", "incorrect", "count"), [(12, 0, 0), (3, 0, 0), (0, 3, 0), (1, 11, 11), (6, 6, 6), (8, 4, 8), (3, 5, 5)]
)
def test_the_reference_makes_as_many_pairs_as_the_larger_side_has_nodes(
    correct: int, incorrect: int, count: int
) -> None:
    assert len(PAIRS["reference"]([True] * correct + [False] * incorrect)) == count
    assert len(PAIRS["all"]([True] * correct + [False] * incorrect)) == correct * incorrect


def test_the_shorter_side_of_the_reference_pairs_is_repeated_in_turn() -> None:
    assert PAIRS["reference"]([False, True, False, True, False]) == ((1, 0), (3, 2), (1, 4))


@given(verdicts, st.sampled_from(list(PAIRS)))
def test_both_ways_to_pair_read_the_same_nodes_and_no_pair_twice(correct: list[bool], name: str) -> None:
    pairs = PAIRS[name](correct)
    assert len(set(pairs)) == len(pairs)
    assert all(correct[chosen] and not correct[rejected] for chosen, rejected in pairs)
    expected = set(range(len(correct))) if len(set(correct)) == 2 else set()
    assert {node for pair in pairs for node in pair} == expected


@given(verdicts)
def test_pairs_of_an_example_are_those_of_its_own_verdicts(correct: list[bool]) -> None:
    assume(correct)
    bare = Example(
        problem=problem(1),
        texts=("text",) * len(correct),
        correct=tuple(correct),
        targets=(),
        pairs=(),
        edges=(),
        flips=(),
    )
    for name, pairs in PAIRS.items():
        made = joined(bare, DistillConfig(pairs=name))
        assert made.pairs == pairs(correct)
        assert nodes_read(made, ["margin"]) == sorted({node for pair in made.pairs for node in pair})
