import json
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.accuracy import RoundAgreement
from magdi_cli.build_graph.flips import flips
from magdi_cli.build_graph.persuasion import Persuasion
from magdi_cli.build_graph.statistics import GraphStatistics, GraphTally
from magdi_cli.cli.console import PLAIN_WIDTH, rendered
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import decode, encode
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.voting import majority
from magdi_cli.tasks.answers import equivalent, same_answer, verify
from tests.build_graph.panels import crowded, labelled, statistics, table
from tests.debates import JUDGED, PERSUADED, RING, debate, failed, turn

THREE = (labelled(PERSUADED), labelled(RING), labelled(JUDGED))


def test_nodes_edges_and_balance_are_counted() -> None:
    made = statistics(*THREE, table({"ada": "8", "ben": "8.0"}), table({"ada": "7", "ben": None}))
    assert (made.graphs, made.nodes, made.edges) == (5, 6 + 6 + 7 + 2 + 2, 9 + 4 + 12)
    assert (made.correct, made.unanswered, made.only_right, made.only_wrong) == (2 + 4 + 3 + 2, 2, 1, 1)
    assert made.balance == made.correct / made.nodes


def test_seats_and_rounds_are_scored_with_intervals() -> None:
    made = statistics(*THREE)
    assert [(a.agent, a.nodes, a.correct, a.unanswered) for a in made.agents] == [
        ("ada", 6, 4, 1),
        ("ben", 6, 3, 0),
        ("cyd", 6, 1, 0),
        ("dan", 1, 1, 0),
    ]
    assert made.agents[1].accuracy == 0.5
    assert made.agents[1].interval == wilson_interval(3, 6)
    assert [(r.round, r.nodes, r.correct, r.unanswered) for r in made.rounds] == [
        (0, 9, 4, 0),
        (1, 9, 4, 1),
        (2, 1, 1, 0),
    ]
    ben = [(c.round, c.nodes, c.correct) for c in made.agent_rounds if c.agent == "ben"]
    assert ben == [(0, 3, 1), (1, 2, 1), (2, 1, 1)]


def test_agreement_needs_a_readable_answer_of_all_that_spoke() -> None:
    made = statistics(
        table({"ada": "8", "ben": "8.0"}),
        table({"ada": "8", "ben": None}),
        table({"ada": "7", "ben": "7"}),
        table({"ada": "7", "ben": "8", "cyd": "8"}),
        table({"ada": None, "ben": None}),
        table({"ada": "8", "ben": "8", "cyd": "!"}),
    )
    assert made.agreement == (
        RoundAgreement(
            round=0,
            graphs=6,
            agreed=3,
            agreement=0.5,
            agreed_right=2,
            majority_correct=4,
            majority_accuracy=4 / 6,
            interval=wilson_interval(4, 6),
        ),
    )


def test_a_verdict_is_no_round_of_the_discussion_but_a_turn_of_its_seat() -> None:
    made = statistics(labelled(JUDGED))
    assert [row.round for row in made.agreement] == [0, 1]
    assert [(row.round, row.nodes) for row in made.rounds] == [(0, 3), (1, 3), (2, 1)]
    assert [(row.agent, row.turns) for row in made.agent_flips] == [("ada", 1), ("ben", 2), ("cyd", 1)]


def test_the_ledger_says_what_became_of_every_answer() -> None:
    made = statistics(*THREE)
    assert [(f.kind, f.turns, f.majority, f.minority, f.nobody, f.unread) for f in made.flips] == [
        ("kept-right", 1, 0, 0, 0, 0),
        ("corrected", 3, 1, 2, 0, 0),
        ("corrupted", 2, 0, 1, 0, 1),
        ("kept-wrong", 3, 0, 0, 1, 0),
    ]
    assert sum(f.share or 0 for f in made.flips) == 1
    assert [(r.round, r.turns, r.corrected, r.corrupted) for r in made.round_flips] == [(1, 8, 2, 2), (2, 1, 1, 0)]


def test_all_that_gave_the_answer_share_the_credit() -> None:
    made = statistics(table({"ada": "8", "ben": "7", "cyd": "7.0", "dan": "8"}, {"ada": "7"}))
    assert made.persuasion == tuple(
        Persuasion(
            speaker=speaker, listener="ada", heard=1, differed=taken, adopted=taken, corrected=0, corrupted=taken
        )
        for speaker, taken in (("ben", 1), ("cyd", 1), ("dan", 0))
    )


def test_sycophancy_is_counted_where_a_majority_contradicted_the_seat() -> None:
    pressed = [{"ada": "8", "ben": "7", "cyd": "7"}, {"ada": "8", "ben": "7", "cyd": "6"}]
    made = statistics(
        table(pressed[0], {"ada": "7.0"}),
        table(pressed[0], {"ada": "8"}),
        table(pressed[0], {"ada": "5"}),
        table(pressed[0], {"ada": None}),
        table(pressed[1], {"ada": "7"}),  # peers that are wrong in different ways are no majority
        table({"ada": "7", "ben": "8", "cyd": "8"}, {"ada": "8"}),
        table({"ada": None, "ben": "8", "cyd": "8"}, {"ada": "9"}),
    )
    (ada,) = made.sycophancy
    assert (ada.pressed, ada.gave_in, ada.sycophancy) == (4, 1, 0.25)
    assert (ada.offered, ada.learned, ada.learning) == (2, 1, 0.5)
    assert (ada.interval, ada.learning_interval) == (wilson_interval(1, 4), wilson_interval(1, 2))


def test_no_graphs_and_a_graph_without_nodes_have_no_shares() -> None:
    silent = labelled(debate(failed("ada", 0), failed("ben", 0), answer=None))
    for made in (statistics(), statistics(silent)):
        assert (made.nodes, made.balance, made.only_right, made.only_wrong) == (0, None, 0, 0)
        assert made.agents == made.agreement == made.persuasion == made.suspects == ()
        assert {row.share for row in made.flips} == {None}


@given(st.lists(crowded(), max_size=3))
def test_scores_and_agreement_are_what_their_definitions_say(graphs: list[InteractionGraph]) -> None:
    made = statistics(*graphs)
    nodes = [node for graph in graphs for node in graph.nodes]
    assert {(a.agent, a.nodes, a.correct, a.unanswered) for a in made.agents} == {
        (name, len(own), sum(n.correct for n in own), sum(n.answer is None for n in own))
        for name in {node.agent for node in nodes}
        if (own := [node for node in nodes if node.agent == name])
    }
    assert [sum(row.nodes for row in rows) for rows in (made.rounds, made.agent_rounds)] == [len(nodes)] * 2
    expected: Counter[tuple[int, str]] = Counter()
    for graph in graphs:
        for number in {node.round for node in graph.nodes}:
            expected.update((number, fact) for fact in agreement_of(graph, number))
    assert {(row.round, fact): getattr(row, fact) for row in made.agreement for fact in FACTS} == {
        (number, fact): expected[number, fact] for number in {n for n, _ in expected} for fact in FACTS
    }


FACTS = ("graphs", "agreed", "agreed_right", "majority_correct")


def agreement_of(graph: InteractionGraph, number: int) -> list[str]:
    """The facts that hold in a round."""
    answers = [node.answer for node in graph.nodes if node.round == number]
    if len(answers) < 2:
        return []
    agreed = all(equivalent(a, b, graph.problem).correct for a in answers for b in answers)
    won = majority(answers, same_answer(graph.problem))
    holds = (True, agreed, agreed and verify(answers[0], graph.problem).correct, verify(won, graph.problem).correct)
    return [fact for fact, held in zip(FACTS, holds, strict=True) if held]


@given(st.lists(crowded(), max_size=3))
def test_every_sum_is_the_sum_of_the_flips(graphs: list[InteractionGraph]) -> None:
    made, found = statistics(*graphs), [flip for graph in graphs for flip in flips(graph)]
    kinds = Counter(flip.kind for flip in found)
    assert {row.kind: row.turns for row in made.flips} == {row.kind: kinds[row.kind] for row in made.flips}
    for rows in (made.agent_flips, made.round_flips):
        assert sum(row.turns for row in rows) == len(found)
        assert sum(row.corrected for row in rows) == kinds["corrected"]
        assert sum(row.kept_wrong for row in rows) == kinds["kept-wrong"]
    heard = [(flip, peer) for flip in found for peer in flip.heard if peer.answer is not None]
    taken = [(flip, peer) for flip, peer in heard if peer.backs_new and not peer.backs_old]
    expected = Counter((peer.agent, flip.agent) for flip, peer in taken)
    assert {(p.speaker, p.listener): p.adopted for p in made.persuasion} == {
        (peer.agent, flip.agent): expected[peer.agent, flip.agent] for flip, peer in heard
    }
    assert all(p.corrected + p.corrupted <= p.adopted <= p.differed <= p.heard for p in made.persuasion)
    pressed = [flip for flip in found if flip.majority_right is False and flip.kind in ("kept-right", "corrupted")]
    assert sum(row.pressed for row in made.sycophancy) == len(pressed)
    assert sum(row.gave_in for row in made.sycophancy) == sum(flip.followed == "majority" for flip in pressed)


@given(st.lists(crowded(), min_size=2, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_the_graphs_is_immaterial(graphs: list[InteractionGraph], rng: random.Random) -> None:
    shuffled = list(graphs)
    rng.shuffle(shuffled)
    assert statistics(*shuffled) == statistics(*graphs)


@given(st.lists(crowded(), max_size=3))
def test_statistics_survive_json(graphs: list[InteractionGraph]) -> None:
    made = statistics(*graphs)
    assert decode(GraphStatistics, encode(made), "here") == made


def test_the_tables_fit_into_a_pipe() -> None:
    names = ("text-davinci-003", "gpt-3.5-turbo-0301", "claude-sonnet-4.5")
    rounds: tuple[tuple[str, ...], ...] = (("8", "7", "7"), ("7", "7", "7"))
    said = [
        turn(n, r, a, parents=(0, 1, 2) * r)
        for r, answers in enumerate(rounds)
        for n, a in zip(names, answers, strict=True)
    ]
    graph, tally = labelled(debate(*said, answer="7")), GraphTally()
    for _ in range(1000):
        tally.add(graph)
    document = json.loads(encode(tally.summary()))
    lines = rendered(document, terminal=False).decode().splitlines()
    assert max(map(len, lines)) <= PLAIN_WIDTH
    assert all(sum(name in line for line in lines) > 7 for name in names)
