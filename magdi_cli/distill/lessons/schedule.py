"""Which graphs each training step reads: some of similar length, as many as a budget of tokens allows."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, islice

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.seeds import seed_for

WINDOW = 16
"""Steps among whose graphs similar lengths are brought together: the more, the less padding and the less chance."""

Order = Callable[[int], Sequence[int]]
"""The graphs that an epoch (counted from 0) reads, in any order; a graph may occur several times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSize:
    """How much a step reads."""

    graphs: int
    """0 for as many as `tokens` allows."""
    tokens: int
    """A graph's completions, and its prompt counted once; a graph with more has a step to itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A whole training, settled before its first step: a resumed run, or another count of devices, walks the same."""

    steps: tuple[tuple[int, ...], ...]
    """The graphs of each step, by index."""
    epochs: tuple[float, ...]
    """Passes over the graphs that are done after each step."""


def planned(lengths: Sequence[int], order: Order, config: DistillConfig) -> Schedule:
    """The steps of the config's epochs, or of its `max_steps`; `lengths` holds each graph's tokens."""
    size = StepSize(graphs=config.batch_size, tokens=config.tokens_per_step)
    endless = _steps(lengths, order, size, config.seed)
    taken = list(islice(endless, config.max_steps) if config.max_steps else _begun_before(config.epochs, endless))
    return Schedule(steps=tuple(step for step, _ in taken), epochs=tuple(done for _, done in taken))


def shuffled(graphs: int, seed: int) -> Order:
    """Every graph once an epoch, each epoch in an order of its own."""

    def order(epoch: int) -> Sequence[int]:
        return random.Random(seed_for(seed, "order", epoch)).sample(range(graphs), graphs)

    return order


def _steps(lengths: Sequence[int], order: Order, size: StepSize, seed: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Steps without end, each with the epochs that are done after it."""
    for epoch in count():
        graphs = order(epoch)
        steps = _similar(lengths, graphs, size)
        random.Random(seed_for(seed, "steps", epoch)).shuffle(steps)
        for step, read in zip(steps, accumulate(map(len, steps)), strict=True):
            yield step, epoch + read / len(graphs)


def _similar(lengths: Sequence[int], graphs: Sequence[int], size: StepSize) -> list[tuple[int, ...]]:
    """The graphs in their order, but within each window the ones of similar length side by side."""
    window = max(1, WINDOW * len(graphs) // len(_cut(lengths, graphs, size)))
    windows = (graphs[start : start + window] for start in range(0, len(graphs), window))
    return [
        step for inside in windows for step in _cut(lengths, sorted(inside, key=lambda graph: lengths[graph]), size)
    ]


def _cut(lengths: Sequence[int], graphs: Sequence[int], size: StepSize) -> list[tuple[int, ...]]:
    """The graphs, in this order, as steps."""
    steps: list[list[int]] = []
    for graph in graphs:
        if steps and _fits(lengths, [*steps[-1], graph], size):
            steps[-1].append(graph)
        else:
            steps.append([graph])
    return [tuple(step) for step in steps]


def _fits(lengths: Sequence[int], step: Sequence[int], size: StepSize) -> bool:
    if size.graphs:
        return len(step) <= size.graphs
    return sum(lengths[graph] for graph in step) <= size.tokens


def _begun_before(
    epochs: float, steps: Iterator[tuple[tuple[int, ...], float]]
) -> Iterator[tuple[tuple[int, ...], float]]:
    begun = 0.0
    for step in steps:
        if begun >= epochs:
            return
        yield step
        begun = step[1]
