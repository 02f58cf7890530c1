import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.flips import FLIP_KINDS, Flip, flips
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer
from magdi_cli.tasks.answers import equivalent
from tests.build_graph.panels import crowded, labelled, table
from tests.debates import JUDGED, PERSUADED, RING, debate, failed, turn


def facts(graph: InteractionGraph) -> list[tuple[object, ...]]:
    return [(f.agent, f.round, f.kind, f.followed, f.majority_right) for f in flips(graph)]


def only(graph: InteractionGraph, agent: str = "ada") -> Flip:
    (found,) = [flip for flip in flips(graph) if flip.agent == agent]
    return found


def test_a_seat_that_is_told_otherwise_by_one_of_two_peers_follows_a_minority() -> None:
    assert facts(labelled(PERSUADED)) == [
        ("ada", 1, "corrupted", "minority", None),
        ("ben", 1, "corrected", "minority", None),
        ("cyd", 1, "kept-wrong", "nobody", None),
    ]


def test_a_reply_that_cannot_be_read_has_lost_the_answer_and_a_lone_peer_is_a_majority() -> None:
    assert facts(labelled(RING)) == [("ada", 1, "corrupted", "unread", True), ("cyd", 1, "corrected", "majority", True)]


def test_a_verdict_is_a_flip_of_the_judge() -> None:
    assert facts(labelled(JUDGED))[-1] == ("ben", 2, "corrected", "minority", None)


@pytest.mark.parametrize(
    ("before", "after", "kind", "followed"),
    [
        ({"ada": "8", "ben": "7", "cyd": "7.0"}, "7", "corrupted", "majority"),
        ({"ada": "8", "ben": "7", "cyd": "7.0", "dan": None}, "7.00", "corrupted", "majority"),
        ({"ada": "8", "ben": "7", "cyd": "7.0"}, "6", "corrupted", "nobody"),
        ({"ada": "8", "ben": "7", "cyd": "7.0"}, "8.0", "kept-right", None),
        ({"ada": "7", "ben": "8", "cyd": "8"}, "8.0", "corrected", "majority"),
        ({"ada": None, "ben": "8", "cyd": "8"}, "8", "corrected", "majority"),
        ({"ada": None, "ben": "8", "cyd": "8"}, None, "kept-wrong", None),
        ({"ada": "7", "ben": "6", "cyd": "6"}, "6", "kept-wrong", "majority"),
        ({"ada": "7", "ben": "6", "cyd": "5", "dan": "6", "eve": "5"}, "6", "kept-wrong", "minority"),
        ({"ada": "7"}, "8", "corrected", "nobody"),
    ],
)
def test_a_change_follows_more_than_half_of_those_that_answered_or_some_or_nobody(
    before: dict[str, str | None], after: str | None, kind: str, followed: str | None
) -> None:
    flip = only(table(before, {"ada": after}))
    assert (flip.kind, flip.followed) == (kind, followed)


def test_the_peers_that_were_heard_stand_beside_the_flip_with_whom_they_back() -> None:
    flip = only(table({"ada": "8", "ben": "7", "cyd": "8.0", "dan": None}, {"ada": "7.0"}))
    assert (flip.problem, flip.start, flip.end) == ("plums", 0, 4)
    assert [(h.agent, h.node, h.answer, h.correct, h.backs_old, h.backs_new) for h in flip.heard] == [
        ("ben", 1, "7", False, False, True),
        ("cyd", 2, "8.0", True, True, False),
        ("dan", 3, None, False, False, False),
    ]


def test_two_answers_that_cannot_be_read_do_not_back_each_other() -> None:
    flip = only(table({"ada": "8", "ben": None}, {"ada": None}))
    assert [(heard.backs_old, heard.backs_new) for heard in flip.heard] == [(False, False)]


def test_of_several_turns_by_one_speaker_the_latest_counts() -> None:
    said = [turn("ada", 0, "8"), turn("ben", 0, "7"), turn("ada", 1, "7", parents=(0, 1)), turn("ben", 1, "8")]
    flip = list(flips(labelled(debate(*said, turn("ada", 2, "8", parents=(0, 1, 2, 3)), answer=None))))[-1]
    assert (flip.kind, flip.start, [heard.node for heard in flip.heard]) == ("corrected", 2, [3])


def test_a_seat_that_was_not_shown_its_own_turn_does_not_flip() -> None:
    said = [turn("ada", 0, "8"), turn("ben", 0, "7"), failed("ada", 1), turn("ada", 2, "7", parents=(1,))]
    assert list(flips(labelled(debate(*said, answer=None)))) == []


@given(crowded())
def test_flips_are_what_the_definition_says(graph: InteractionGraph) -> None:
    assert facts(graph) == [flip for end in range(len(graph.nodes)) for flip in by_definition(graph, end)]


def by_definition(graph: InteractionGraph, end: int) -> list[tuple[object, ...]]:
    nodes, now = graph.nodes, graph.nodes[end]
    heard = {start for start, to in graph.edges if to == end}
    last = {nodes[i].agent: i for i in sorted(heard, key=lambda i: nodes[i].round)}
    if now.agent not in last:
        return []
    was = nodes[last.pop(now.agent)]
    said = [answer for i in last.values() if (answer := nodes[i].answer) is not None]

    def backers(answer: Answer | None) -> int:
        return sum(equivalent(answer, other, graph.problem).correct for other in said)

    kind = FLIP_KINDS[was.correct, now.correct]
    winners = [answer for answer in said if backers(answer) > len(said) / 2]
    right = equivalent(winners[0], graph.problem.gold, graph.problem).correct if winners else None
    if now.answer is None:
        return [(now.agent, now.round, kind, None if was.answer is None else "unread", right)]
    if equivalent(was.answer, now.answer, graph.problem).correct:
        return [(now.agent, now.round, kind, None, right)]
    share = backers(now.answer) / len(said) if said else 0
    followed = "majority" if share > 0.5 else "minority" if share else "nobody"
    return [(now.agent, now.round, kind, followed, right)]


@given(crowded())
def test_a_right_answer_became_wrong_or_a_wrong_one_right_only_where_it_changed(graph: InteractionGraph) -> None:
    for flip in flips(graph):
        assert flip.followed is not None or flip.kind.startswith("kept")
        assert flip.followed is None or flip.kind != "kept-right"


@given(crowded(), st.randoms(use_true_random=False))
def test_the_order_of_the_nodes_is_immaterial(graph: InteractionGraph, rng: random.Random) -> None:
    order = list(range(len(graph.nodes)))
    rng.shuffle(order)
    moved = replace(
        graph,
        nodes=tuple(graph.nodes[i] for i in order),
        edges=tuple((order.index(start), order.index(end)) for start, end in reversed(graph.edges)),
    )
    assert set(facts(moved)) == set(facts(graph))
