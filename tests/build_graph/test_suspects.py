import random
from dataclasses import replace

import pytest
from hypothesis import given

from magdi_cli.build_graph.flips import answer_groups
from magdi_cli.build_graph.suspects import KEPT, Suspect, SuspectTally, suspect
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer
from magdi_cli.tasks.answers import equivalent
from tests.build_graph.panels import crowded, labelled, table
from tests.debates import JUDGED, debate, turn
from tests.strategies import problem


def suspected(graph: InteractionGraph) -> Suspect | None:
    return suspect(graph, answer_groups(graph))


def test_a_suspect_says_what_the_seats_answer_and_since_when() -> None:
    graph = table(
        {"ada": "8", "ben": "7", "cyd": "7"},
        {"ada": "7.0", "ben": "7", "cyd": "7"},
        {"ada": "7", "ben": "7.00", "cyd": "7"},
    )
    assert suspected(graph) == Suspect(
        problem="plums",
        question="How many plums are 4 + 4?",
        gold=Answer("8"),
        answer=Answer("7"),
        seats=3,
        since=1,
        rounds=2,
    )


@pytest.mark.parametrize(
    ("rounds", "found"),
    [
        ([{"ada": "7", "ben": "7"}], (2, 0, 1)),
        ([{"ada": "8", "ben": "8"}], None),
        ([{"ada": "7", "ben": "6"}], None),
        ([{"ada": "7", "ben": None}], None),
        ([{"ada": "7", "ben": "7", "cyd": None}], (2, 0, 1)),
        ([{"ada": "7", "ben": "7"}, {"ada": "6", "ben": "6"}], (2, 1, 1)),
        ([{"ada": "7", "ben": "7"}, {"ada": "7", "ben": "8"}], None),
        ([{"ada": "7", "ben": "7"}, {"ada": "7", "ben": "8"}, {"ada": "7", "ben": "7"}], (2, 2, 1)),
        ([{"ada": "7", "ben": "7"}, {"ada": "7", "ben": "!"}], (2, 0, 2)),
        ([{"ada": "7", "ben": "8"}, {"ben": "6"}, {"ada": "6"}], (2, 2, 1)),
    ],
)
def test_the_last_words_of_all_that_answered_must_be_one_wrong_answer(
    rounds: list[dict[str, str | None]], found: tuple[int, int, int] | None
) -> None:
    made = suspected(table(*rounds))
    assert (None if made is None else (made.seats, made.since, made.rounds)) == found


def test_a_verdict_is_the_last_word_of_its_seat() -> None:
    assert suspected(labelled(JUDGED)) is None
    said = [turn("ada", 0, "7"), turn("ben", 0, "8"), turn("cyd", 0, "7"), turn("ben", 1, "7", parents=(0, 1, 2))]
    found = suspected(labelled(debate(*said, answer="7")))
    assert found is not None
    assert (found.seats, found.since) == (3, 1)


@given(crowded())
def test_suspects_are_what_the_definition_says(graph: InteractionGraph) -> None:
    found = suspected(graph)
    rounds = sorted({node.round for node in graph.nodes})
    wrong = {number: unanimous_and_wrong(graph, number) for number in rounds}
    assert (found is not None) == bool(rounds and wrong[rounds[-1]])
    if found is not None:
        otherwise = [n for n in rounds if not same_as(found, wrong[n], graph)]
        lasting = [n for n in rounds if n > max(otherwise, default=-1)]
        assert (found.since, found.rounds) == (lasting[0], len(lasting))
        assert found.seats == len(wrong[rounds[-1]])


def unanimous_and_wrong(graph: InteractionGraph, number: int) -> list[Answer]:
    """The seats' standing answers after a round, if they are one wrong answer of at least two."""
    agents = {node.agent for node in graph.nodes if node.round <= number}
    last = [max((n for n in graph.nodes if n.agent == a and n.round <= number), key=lambda n: n.round) for a in agents]
    said = [node.answer for node in last if node.answer is not None]
    one = all(equivalent(said[0], other, graph.problem).correct for other in said)
    return [*said] if one and len(said) > 1 and not any(node.correct for node in last) else []


def same_as(found: Suspect, said: list[Answer], graph: InteractionGraph) -> bool:
    return bool(said) and equivalent(found.answer, said[0], graph.problem).correct


def test_the_strongest_are_kept_and_all_are_counted() -> None:
    tally = SuspectTally()
    seats = [dict.fromkeys("abcd"[: 2 + n % 3], "7") for n in range(5 * KEPT)]
    graphs = [
        labelled(debate(*(turn(a, 0, "7") for a in names), answer="7", problem=problem(f"p{n:03}", gold="8")))
        for n, names in enumerate(seats)
    ]
    random.Random(0).shuffle(graphs)
    for graph in graphs:
        tally.add(graph, answer_groups(graph))
    rows = tally.rows()
    assert (tally.found, len(rows)) == (5 * KEPT, KEPT)
    assert [(row.seats, row.problem) for row in rows] == [(4, f"p{n:03}") for n in range(2, 3 * KEPT, 3)]


def test_seats_times_rounds_rank_then_seats_then_the_id() -> None:
    tally = SuspectTally()
    for name, seats, rounds in (("a", 2, 1), ("b", 3, 1), ("c", 2, 3), ("d", 6, 1), ("e", 2, 3)):
        said = [turn(agent, number, "7") for number in range(rounds) for agent in "uvwxyz"[:seats]]
        graph = labelled(debate(*said, answer="7", problem=problem(name, gold="8")))
        tally.add(graph, answer_groups(graph))
    assert [row.problem for row in tally.rows()] == ["d", "c", "e", "b", "a"]


def test_a_long_question_is_cut() -> None:
    asked = replace(problem(gold="8"), question="How many? " * 50)
    found = suspected(labelled(debate(turn("a", 0, "7"), turn("b", 0, "7"), answer="7", problem=asked)))
    assert found is not None
    assert len(found.question) <= 80
    assert found.question.endswith("How ...")
