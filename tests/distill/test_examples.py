import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.level import LEVELS, Level
from magdi_cli.distill.lessons.examples import Example, best_teacher, example_from, nodes_read, require_material
from tests.distill.graphs import SEATS, graph, graphs, problem

levels = st.sampled_from(list(LEVELS.values()))


def texts_of(level: str, *verdicts: str) -> list[str]:
    example = example_from(graph(verdicts), LEVELS[level], teacher="bob")
    return [text.partition(".")[0] for text in example.texts] if example else []


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("single-teacher", ["bob adds in round 0"]),
        ("round-0", ["bob adds in round 0", "cyd adds in round 0"]),
        ("correct-nodes", ["bob adds in round 0", "cyd adds in round 0", "ada adds in round 1", "bob adds in round 1"]),
        ("all-nodes", [f"{seat} adds in round {r}" for r in (0, 1) for seat in SEATS]),
        ("graph", [f"{seat} adds in round {r}" for r in (0, 1) for seat in SEATS]),
    ],
)
def test_each_level_reads_its_own_nodes_of_a_graph(level: str, expected: list[str]) -> None:
    assert texts_of(level, "-++", "++?") == expected


def test_targets_pairs_and_edges_point_into_the_examples_own_nodes() -> None:
    example = example_from(graph(["-+ ", " -+"]), LEVELS["graph"], teacher=None)
    assert example == Example(
        problem=problem(1),
        texts=(
            "ada adds in round 0.\nSo the answer is 6.",
            "bob adds in round 0.\nSo the answer is 2.",
            "bob adds in round 1.\nSo the answer is 6.",
            "cyd adds in round 1.\nSo the answer is 2.",
        ),
        correct=(False, True, False, True),
        targets=(1, 3),
        pairs=((1, 0), (1, 2), (3, 0), (3, 2)),
        edges=((0, 2), (0, 3), (1, 2), (1, 3)),
        flips=((1, 2),),
    )


def test_a_node_without_an_answer_is_rejected_and_says_nothing_about_one() -> None:
    example = example_from(graph(["+?"]), LEVELS["all-nodes"], teacher=None)
    assert example is not None
    assert example.pairs == ((0, 1),)
    assert example.texts[1] == "bob adds in round 0."


def test_edges_are_those_between_kept_nodes() -> None:
    example = example_from(graph(["-++", "+-+", "++-"]), LEVELS["correct-nodes"], teacher=None)
    assert example is not None
    assert example.edges == ((0, 2), (0, 3), (1, 2), (1, 3), (2, 4), (2, 5), (3, 4), (3, 5))


def test_a_graph_without_correct_nodes_teaches_the_node_objective_only() -> None:
    assert texts_of("all-nodes", "---") == []
    assert len(texts_of("graph", "---")) == 3


def test_incorrect_nodes_are_not_encoded_once_the_margin_weighs_nothing() -> None:
    level = LEVELS["all-nodes"].reweighted({"margin": 0.0})
    example = example_from(graph(["-+-"]), level, teacher=None)
    assert example is not None
    assert example.correct == (True,)


@given(graphs(), levels, st.sampled_from(SEATS))
def test_an_example_is_the_graph_seen_through_the_level(drawn, level: Level, teacher: str) -> None:
    example = example_from(drawn, level, teacher=teacher)
    correct = 0 if example is None else sum(example.correct)
    expected = [
        node
        for node in drawn.nodes
        if node.correct
        and (level.teachers == "all" or node.agent == teacher)
        and (level.rounds == "all" or node.round == 0)
    ]
    assert correct == len(expected)
    if example is not None:
        assert len(example.targets) == correct
        assert len(example.pairs) == correct * (len(example.texts) - correct)


@given(graphs(), levels)
def test_every_node_of_an_example_is_read_by_some_objective(drawn, level: Level) -> None:
    example = example_from(drawn, level, teacher="ada")
    if example is not None:
        assert nodes_read(example, level.objectives) == list(range(len(example.texts)))


@given(graphs(), st.data())
def test_keeping_some_nodes_keeps_exactly_what_joins_them(drawn, data: st.DataObject) -> None:
    example = example_from(drawn, LEVELS["graph"], teacher=None)
    if example is None:
        return
    kept = data.draw(st.lists(st.sampled_from(range(len(example.texts))), min_size=1, unique=True).map(sorted))
    smaller = example.keeping(kept)
    assert [(kept[a], kept[b]) for a, b in smaller.edges] == [
        (a, b) for a, b in example.edges if a in kept and b in kept
    ]
    assert [(kept[a], kept[b]) for a, b in smaller.flips] == [
        (a, b) for a, b in example.flips if a in kept and b in kept
    ]
    assert [kept[node] for node in smaller.targets] == [node for node in example.targets if node in kept]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("targets", (2,)),
        ("targets", (1,)),
        ("pairs", ((1, 0),)),
        ("pairs", ((0, 0),)),
        ("edges", ((0, 9),)),
        ("edges", ((-1, 0),)),
        ("flips", ((0, 2),)),
        ("flips", ((1, 1),)),
        ("flips", ((0, 1), (0, 1))),
        ("correct", (True,)),
        ("texts", ()),
    ],
)
def test_an_example_that_contradicts_itself_cannot_be_written(part: str, value: object) -> None:
    sound = {"texts": ("right", "wrong"), "correct": (True, False), "targets": (0,), "pairs": ((0, 1),), "edges": ()}
    sound["flips"] = ((0, 1),)
    Example(problem=problem(1), **sound)
    with pytest.raises(ValueError, match="p1"):
        Example(problem=problem(1), **(sound | {part: value}))


def test_the_best_teacher_is_right_most_often_alone() -> None:
    assert best_teacher([graph(["-++", "+--"]), graph(["-+ ", "+--"])]) == "bob"


def test_the_earlier_seat_wins_a_tie_for_best_teacher() -> None:
    assert best_teacher([graph(["-+-"]), graph(["+--"])]) == "ada"


def test_a_seat_cannot_be_best_by_rarely_answering() -> None:
    assert best_teacher([graph(["++ "]), graph(["-+ "]), graph(["- +"]), graph(["-  "])]) == "bob"


@pytest.mark.parametrize("level", ["all-nodes", "graph"])
def test_a_level_without_the_incorrect_nodes_it_needs_says_the_way_out(level: str) -> None:
    with pytest.raises(DataProblem) as caught:
        require_material([graph(["+++", "+++"])] * 2, LEVELS[level], teacher=None)
    assert str(caught.value) == (
        f"level {level} needs incorrect nodes; 0 of 12 found. "
        "Use --level correct-nodes or raise --temperature in debate"
    )


def test_flips_need_a_turn_after_the_first() -> None:
    level = LEVELS["graph"].reweighted({"flip": 0.5})
    require_material([graph(["+-", "+ "])], level, teacher=None)
    with pytest.raises(DataProblem) as caught:
        require_material([graph(["+-"]), graph(["+ ", " -"], number=2)], level, teacher=None)
    assert str(caught.value) == (
        "level graph needs nodes that were shown an earlier one of their seat; 0 of 4 found. "
        "Leave out --weight flip, or debate with --rounds 1 or more"
    )


@pytest.mark.parametrize("level", list(LEVELS))
def test_no_level_learns_without_a_correct_node(level: str) -> None:
    with pytest.raises(DataProblem, match=f"level {level} needs correct nodes; 0 of"):
        require_material([graph(["-?-"])], LEVELS[level], teacher="ada")


def test_all_nodes_without_the_margin_needs_no_incorrect_node() -> None:
    level = LEVELS["all-nodes"].reweighted({"margin": 0.0})
    require_material([graph(["+++"])], level, teacher=None)
