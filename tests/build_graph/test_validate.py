import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.validate import Outline, Spoke, violations


def drawn(*turns: str, edges: tuple[tuple[int, int], ...] = ()) -> Outline:
    """Turns written as `a0`; `a0!` failed, `a0?` is empty."""
    spoke = [Spoke(agent=t[0], round=int(t[1]), failed=t.endswith("!"), empty=t.endswith("?")) for t in turns]
    return Outline(turns=spoke, edges=edges)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (drawn(), ["no agent said anything"]),
        (drawn("a0!", "b0!"), ["no agent said anything"]),
        (drawn("a0", "a1"), ["a@1 heard nobody, though round 0 spoke"]),
        (drawn("a0?"), ["a@0 has neither text nor answer"]),
        (drawn("a0", "a0"), ["a@0 speaks twice in that round"]),
        (drawn("a0", "a1", edges=((7, 1), (0, 1))), ["a@1 heard turn 7, which does not exist; there are 2"]),
        (drawn("a0", "a1", edges=((0, 1), (0, 1))), ["a@1 heard a@0 2 times"]),
        (drawn("a0", "b0", edges=((0, 1),)), ["b@0 heard a@0, which is not of an earlier round"]),
        (drawn("a0", "a1", edges=((0, 1), (1, 0))), ["cycle a@0 -> a@1 -> a@0"]),
        (drawn("a0", edges=((0, 0),)), ["cycle a@0 -> a@0"]),
    ],
)
def test_faults_are_named(found: Outline, said: list[str]) -> None:
    assert violations(found) == said


def test_every_fault_is_told_and_every_knot_by_one_cycle() -> None:
    edges = ((0, 1), (1, 0), (2, 3), (3, 2), (9, 0), (0, 4))
    assert violations(drawn("a0", "b0", "c1", "d1", "e0", edges=edges)) == [
        "a@0 heard turn 9, which does not exist; there are 5",
        "cycle a@0 -> b@0 -> a@0",
        "cycle c@1 -> d@1 -> c@1",
        "e@0 heard a@0, which is not of an earlier round",
    ]


def test_a_seat_whose_neighbours_and_itself_failed_is_no_orphan() -> None:
    assert violations(drawn("a0", "b0!", "a1", "b1", edges=((0, 2),))) == []


def test_a_long_name_is_cut() -> None:
    (said,) = violations(Outline(turns=[Spoke(agent="n" * 1000, round=0, empty=True)], edges=[]))
    assert len(said) < 120


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20, unique=True))
def test_an_outline_without_fault_has_edges_to_later_rounds_only(edges: list[tuple[int, int]]) -> None:
    turns = [Spoke(agent="ab"[index % 2], round=index // 2) for index in range(8)]
    found = violations(Outline(turns=turns, edges=edges))
    forward = all(turns[start].round < turns[end].round for start, end in edges)
    assert forward == (not any("cycle" in fault or "not of an earlier round" in fault for fault in found))
