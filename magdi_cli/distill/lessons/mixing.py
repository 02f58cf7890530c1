"""How several tasks share an epoch: examples-proportional mixing, its square root, or equal shares.

An epoch has as many examples as there are. A task whose share is less than it has reads another part
of its examples each epoch, and all of them before one comes again; a task whose share is more repeats.
These are T5's mixtures (arXiv 1910.10683, section 3.5.2) of temperature 1, 2 and infinity.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from types import MappingProxyType

from magdi_cli.core.seeds import seed_for
from magdi_cli.distill.lessons.schedule import Order, shuffled

EXPONENTS: Mapping[str, float] = MappingProxyType({"proportional": 1.0, "sqrt": 0.5, "equal": 0.0})
"""What a task's number of examples is raised to; its share is that over the sum of all tasks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MixtureRow:
    """What the student reads of one task of one file."""

    source: str
    task: str
    graphs: int
    """In the file; those that an earlier file has are not counted."""
    examples: int
    """Graphs that hold something for the level."""
    share: float
    """Of the examples of an epoch."""
    passes: float
    """How often an epoch reads each example, on average."""


def quotas(sizes: Mapping[str, int], policy: str) -> dict[str, int]:
    """How many examples of each task an epoch reads; they add up to all examples, and no task gets none."""
    total, powers = sum(sizes.values()), {task: size ** EXPONENTS[policy] for task, size in sizes.items()}
    exact = {task: total * power / sum(powers.values()) for task, power in powers.items()}
    whole = {task: floor(share) for task, share in exact.items()}
    left = total - sum(whole.values())
    by_remainder = sorted(sizes, key=lambda task: whole[task] - exact[task])
    return {task: whole[task] + (task in by_remainder[:left]) for task in sizes}


def mixed(tasks: Sequence[str], policy: str, seed: int) -> Order:
    """The order of each epoch's examples, by index into `tasks`, which names each example's task."""
    members: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        members.setdefault(task, []).append(index)
    share = quotas({task: len(indices) for task, indices in members.items()}, policy)

    def order(epoch: int) -> Sequence[int]:
        turns = (_turn(len(found), share[task], epoch, seed_for(seed, task)) for task, found in members.items())
        read = [found[place] for found, turn in zip(members.values(), turns, strict=True) for place in turn]
        return [read[place] for place in shuffled(len(read), seed)(epoch)]

    return order


def mixture_rows(
    graphs: Sequence[tuple[str, str]], examples: Sequence[tuple[str, str]], policy: str
) -> tuple[MixtureRow, ...]:
    """A row for each file and task; both sequences hold such pairs, one a graph and one an example."""
    read, sizes = Counter(examples), Counter(task for _, task in examples)
    share = quotas(sizes, policy)
    return tuple(
        MixtureRow(
            source=source,
            task=task,
            graphs=count,
            examples=read[source, task],
            share=share[task] / len(examples) * read[source, task] / sizes[task] if task in sizes else 0.0,
            passes=share[task] / sizes[task] if read[source, task] else 0.0,
        )
        for (source, task), count in Counter(graphs).items()
    )


def mixture_in_words(rows: Sequence[MixtureRow], policy: str) -> str:
    """The rows in a line."""
    parts = (
        f"{row.task} {row.share:.0%} ({row.examples} examples of {row.source}, {row.passes:.2g} times)" for row in rows
    )
    return f"{policy} mixture, an epoch: {', '.join(parts)}"


def _turn(size: int, count: int, epoch: int, seed: int) -> Iterator[int]:
    """The `count` examples whose turn it is in an epoch, when all `size` are read again and again in new orders."""
    start, end = epoch * count, (epoch + 1) * count
    for cycle in range(start // size, ceil(end / size)):
        yield from shuffled(size, seed)(cycle)[max(0, start - cycle * size) : end - cycle * size]
