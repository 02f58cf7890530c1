"""Who hears whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.debate.topology import TOPOLOGIES

panels = st.integers(2, 8)
names = st.sampled_from(sorted(TOPOLOGIES))


def edges(name: str, seats: int) -> set[tuple[int, int]]:
    return {(heard, position) for position in range(seats) for heard in TOPOLOGIES[name](position, seats)}


@given(names, panels)
def test_every_seat_is_shown_its_own_turn_and_only_seats_that_exist(name: str, seats: int) -> None:
    shown = edges(name, seats)
    assert {(position, position) for position in range(seats)} <= shown
    assert {position for edge in shown for position in edge} == set(range(seats))


@given(names, panels)
def test_hearing_is_mutual(name: str, seats: int) -> None:
    shown = edges(name, seats)
    assert {(to, of) for of, to in shown} == shown


@given(names, panels)
def test_every_view_reaches_every_seat_in_the_end(name: str, seats: int) -> None:
    known = {position: {position} for position in range(seats)}
    for _ in range(seats):
        known = {to: set().union(*(known[of] for of in TOPOLOGIES[name](to, seats))) for to in known}
    assert all(views == set(range(seats)) for views in known.values())


@pytest.mark.parametrize("seats", [2, 3])
def test_a_ring_of_two_or_three_is_a_full_table(seats: int) -> None:
    assert edges("ring", seats) == edges("full", seats)


@given(panels)
def test_full_has_every_edge_a_ring_three_a_seat_and_a_star_two_a_spoke(seats: int) -> None:
    assert len(edges("full", seats)) == seats**2
    assert len(edges("ring", seats)) == seats * min(3, seats)
    assert len(edges("star", seats)) == seats + 2 * (seats - 1)


@given(panels)
def test_a_ring_looks_the_same_from_every_seat(seats: int) -> None:
    shown = edges("ring", seats)
    assert {((of + 1) % seats, (to + 1) % seats) for of, to in shown} == shown


def test_a_star_of_four() -> None:
    assert [TOPOLOGIES["star"](position, 4) for position in range(4)] == [{0, 1, 2, 3}, {0, 1}, {0, 2}, {0, 3}]
