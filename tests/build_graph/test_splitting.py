import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.near import MOST_COMPARED, SIMILARITY, Groups, Questions, plain_words
from magdi_cli.build_graph.splitting import Exclusion, sided
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.arithmetic import problems

LONG = (
    "Natalia sold clips to forty eight of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?"
)

SLEEP = "Where do people sleep?"


def graph(question: str, id: str = "p") -> InteractionGraph:
    node = Node(agent="a", round=0, text="t", answer=Answer("4"), correct=True)
    return InteractionGraph(
        problem=Problem(id=id, task="toy", question=question, gold=Answer("4")), nodes=(node,), edges=()
    )


def sides(questions: Sequence[str], share: float) -> dict[str, bool]:
    return {made.problem.question: side for made, side in sided(map(graph, questions), share)}


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("Can a pig swim?", "can  PIG swim", "exact"),
        (LONG, LONG.replace("altogether", "in total"), "near"),
        (LONG, LONG.replace("forty eight", "ninety six"), None),
        (LONG, LONG.replace("forty eight", "48.0"), "exact"),
        ("Is $1,000.50 in 18 coins heavy?", "is 1000.5 in EIGHTEEN coins heavy", "exact"),
        ("Is .5 more than a third?", "Is 5 more than a third?", None),
        ("Do those who are six, seven or eight years old go to school?", "Do one of them go to school?", None),
        (LONG, LONG.replace("How many clips", "How many of them, one asks,"), "near"),
        ("What is 3 + 4?", "What is 3 - 4?", None),
        ("What is 3 + 4?", "What is 3 + 5?", None),
        ("Would a pear sink in water?", "Would a plum sink in water?", None),
        ("?", "!", "exact"),
    ],
)
def test_likeness(one: str, other: str, likeness: str | None) -> None:
    seen = Questions()
    seen.add(one)
    assert seen.likeness(other) == likeness


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_story_told_with_other_numbers_is_another_question(share: float) -> None:
    told = [
        LONG.replace("forty eight", f"{n}").replace("half", f"{m} fewer than half")
        for n in range(20)
        for m in range(20)
    ]
    made = sides(told, share)
    assert abs(sum(made.values()) / len(told) - share) < 0.07
    seen = Questions()
    seen.add(told[0])
    assert [question for question in told if seen.likeness(question)] == [told[0]]


def test_a_group_is_for_validation_as_often_as_a_single_question() -> None:
    groups = [[f"{LONG} Box {n}.{' So' * more}" for more in range(4)] for n in range(2, 302)]
    made = sides([question for group in groups for question in group], 0.2)
    assert all(len({made[question] for question in group}) == 1 for group in groups)
    assert 0.13 < sum(made[group[0]] for group in groups) / len(groups) < 0.27


def jaccard(one: str, other: str) -> float:
    """By the definition, the slow way."""
    a, b = (set(pairwise(plain_words(text))) or {plain_words(text)} for text in (one, other))
    return len(a & b) / len(a | b)


@given(st.lists(st.lists(st.sampled_from("pqrst"), min_size=1, max_size=14).map(" ".join), max_size=MOST_COMPARED))
def test_near_questions_are_found_exactly_as_if_each_were_compared_with_each(texts: list[str]) -> None:
    seen = Questions()
    distinct: list[str] = []
    for text in texts:
        expected = [other for other in distinct if jaccard(text, other) >= SIMILARITY]
        number, near = seen.add(text)
        if number == len(distinct):
            assert [distinct[other] for other in near] == expected
            distinct.append(text)
    assert len(seen) == len(set(texts))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_groups_are_joined_whatever_joins_them(pairs: list[tuple[int, int]]) -> None:
    groups = Groups()
    for number in range(10):
        groups.add(number, [])
    for one, other in pairs:
        groups.add(one, [other])
    assert all(groups.leader(one) == groups.leader(other) for one, other in pairs)
    reached = {number: {number} for number in range(10)}
    for one, other in pairs * len(pairs):
        reached[one] = reached[other] = reached[one] | reached[other]
    together = defaultdict(set)
    for number in range(10):
        together[groups.leader(number)].add(number)
    assert all(members == reached[member] for members in together.values() for member in members if pairs)


def test_about_the_share_is_for_validation_and_the_side_is_the_questions_own() -> None:
    questions = [problem.question for problem, _ in zip(problems("train"), range(600), strict=False)]
    whole = sides(questions, 0.2)
    assert 0.15 < sum(whole.values()) / len(whole) < 0.25
    shuffled = random.Random(1).sample(questions, len(questions))
    assert sides(shuffled, 0.2) == whole


def test_near_duplicates_are_on_one_side_whatever_the_order() -> None:
    twins = [(f"{LONG} Box {n}.", f"{LONG} Box {n}.".replace("altogether", "in total")) for n in range(30)]
    others = [f"Can {word} {word}s fly over {word} {word}?" for word in ("pig", "cow", "hen", "dog", "cat", "ant") * 5]
    for seed in range(3):
        texts = random.Random(seed).sample([text for pair in twins for text in pair] + others, 90)
        made = sides(texts, 0.5)
        assert all(made[one] == made[other] for one, other in twins)


def test_the_same_question_under_two_ids_is_on_one_side() -> None:
    graphs = [graph(f"Is {n} prime?", id) for n in range(40) for id in (f"{n}", f"{n}#run")]
    side = {made.problem.id: validation for made, validation in sided(graphs, 0.5)}
    assert all(side[f"{n}"] == side[f"{n}#run"] for n in range(40))
    assert len(set(side.values())) == 2


def test_without_a_share_graphs_pass_one_by_one() -> None:
    taken: list[int] = []

    def coming():  # type: ignore[no-untyped-def]
        for number in range(3):
            taken.append(number)
            yield graph(f"{number}?")

    first, _ = next(sided(coming(), 0.0))
    assert (first.problem.question, taken) == ("0?", [0])


def test_excluded_questions_are_counted_exactly_and_nearly(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text(f'question,answer\nCan a pig swim?,yes\n"{LONG}",72\nCan pig swim,no\n')
    exclusion = Exclusion(path)
    asked = ("CAN A PIG SWIM", LONG.replace("altogether", "in total"), "Can a cow swim?")
    assert [exclusion.excludes(graph(question)) for question in asked] == [True, True, False]
    count = exclusion.count()
    assert (count.questions, count.exact, count.near) == (2, 1, 1)


@pytest.mark.parametrize("inlined_in_file", [True, False])
def test_options_within_a_question_hide_it_from_no_exclusion(tmp_path: Path, inlined_in_file: bool) -> None:
    inlined, apart = f"{SLEEP} Options: (A) in a tent by the lake (B) at the bottom of the sea", SLEEP
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps({"question": inlined if inlined_in_file else apart}))
    exclusion = Exclusion(path)
    of_graph = graph(apart if inlined_in_file else inlined)
    choices = ("tent", "sea") if inlined_in_file else ()
    assert exclusion.excludes(replace(of_graph, problem=replace(of_graph.problem, choices=choices)))
    assert (exclusion.count().questions, exclusion.count().exact) == (1, 1)
    assert not exclusion.excludes(graph("Where do sharks sleep?"))


def test_a_passage_belongs_to_the_question(tmp_path: Path) -> None:
    path = tmp_path / "boolq.jsonl"
    path.write_text('{"context": "Pigs swim.", "question": "Do they?"}\n')
    assert Exclusion(path).excludes(graph("Pigs swim.\n\nDo they?"))
    assert not Exclusion(path).excludes(graph("Do they?"))


@pytest.mark.parametrize(("line", "said"), [("{}", "test.jsonl:1 no 'question'"), ("[]", "test.jsonl:1 is a list")])
def test_a_bad_problem_file_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(line)
    with pytest.raises(DataProblem, match=said):
        Exclusion(path)
