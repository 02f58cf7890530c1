"""Who is shown whose turns: each topology as a table of edges between seats."""

from collections.abc import Callable, Mapping
from types import MappingProxyType


def _full(_: int, seats: int) -> frozenset[int]:
    return frozenset(range(seats))


def _ring(position: int, seats: int) -> frozenset[int]:
    return frozenset((position + step) % seats for step in (-1, 0, 1))


def _star(position: int, seats: int) -> frozenset[int]:
    return frozenset(range(seats)) if position == 0 else frozenset((0, position))


TOPOLOGIES: Mapping[str, Callable[[int, int], frozenset[int]]] = MappingProxyType(
    {"full": _full, "ring": _ring, "star": _star}
)
"""From a seat's position and the number of seats to the positions whose last turns it is shown, its own included.

full: everybody's; ring: its own and that of the neighbour on each side; star: the first seat is shown
everybody's, every other seat its own and the first seat's.
"""
