"""Other ways to join the nodes of an example, to find out what the joining is worth: pure, and free of torch."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.graph import Edge
from magdi_cli.core.seeds import seed_for
from magdi_cli.distill.lessons.examples import Example
from magdi_cli.tasks.material import Pair, by_verdict, every_pair

Wiring = Callable[[Example, int], tuple[Edge, ...]]
"""The edges of an example under a seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphFeatures:
    """What the graph encoder reads of an example."""

    live: bool
    """Whether its node vectors are the student's as it learns, so that they train it; else the untrained model's."""
    edges: Wiring


def joined(example: Example, config: DistillConfig) -> Example:
    """The example with the pairs and the edges that the config asks for."""
    edges = GRAPH_FEATURES[config.graph_features].edges(example, config.seed)
    return replace(example, pairs=PAIRS[config.pairs](example.correct), edges=edges)


def heard(example: Example, seed: int) -> tuple[Edge, ...]:
    """The edges as they are."""
    del seed
    return example.edges


def shuffled(example: Example, seed: int) -> tuple[Edge, ...]:
    """The edges with the nodes under them exchanged at random: as many, in the same shape, between others."""
    size = len(example.texts)
    place = random.Random(seed_for(seed, example.problem.id, "shuffled edges")).sample(range(size), size)
    return tuple((place[start], place[end]) for start, end in example.edges)


def turned(example: Example, seed: int) -> tuple[Edge, ...]:
    """The edges from listener to speaker."""
    del seed
    return tuple((end, start) for start, end in example.edges)


def unheard(example: Example, seed: int) -> tuple[Edge, ...]:
    """No edges: every node is classified alone."""
    del example, seed
    return ()


GRAPH_FEATURES: Mapping[str, GraphFeatures] = MappingProxyType(
    {
        "live": GraphFeatures(live=True, edges=heard),
        "frozen": GraphFeatures(live=False, edges=heard),
        "shuffled": GraphFeatures(live=True, edges=shuffled),
        "reversed": GraphFeatures(live=True, edges=turned),
        "none": GraphFeatures(live=True, edges=unheard),
    }
)
"""By the names of `--graph-features`; only `live` is not an ablation."""


def cyclic_pairs(correct: Sequence[bool]) -> tuple[Pair, ...]:
    """The n-th correct with the n-th incorrect node, the fewer of the two repeated in turn; none where one kind lacks.

    The released code's pairs: as many as there are nodes of the more frequent kind.
    """
    chosen, rejected = by_verdict(correct)
    count = max(len(chosen), len(rejected)) if chosen and rejected else 0
    return tuple((chosen[n % len(chosen)], rejected[n % len(rejected)]) for n in range(count))


PAIRS: Mapping[str, Callable[[Sequence[bool]], tuple[Pair, ...]]] = MappingProxyType(
    {"all": every_pair, "reference": cyclic_pairs}
)
"""By the names of `--pairs`; under either, the margin loss is the mean over a graph's pairs, then over graphs."""
