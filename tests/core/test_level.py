import pytest

from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.level import LEVELS, level_named


@pytest.mark.parametrize(
    ("name", "teachers", "rounds", "nodes", "objectives"),
    [
        ("single-teacher", "one", "first", "correct", {"next-token": 1.0}),
        ("round-0", "all", "first", "correct", {"next-token": 1.0}),
        ("correct-nodes", "all", "all", "correct", {"next-token": 1.0}),
        ("all-nodes", "all", "all", "all", {"next-token": 1.0, "margin": 0.1}),
        ("graph", "all", "all", "all", {"next-token": 1.0, "margin": 0.1, "node": 1.0, "flip": 0.0}),
    ],
)
def test_the_levels_are_the_papers(
    name: str, teachers: str, rounds: str, nodes: str, objectives: dict[str, float]
) -> None:
    level = LEVELS[name]
    assert (level.teachers, level.rounds, level.nodes) == (teachers, rounds, nodes)
    assert dict(level.objectives) == objectives


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("sit", "single-teacher"),
        ("r0", "round-0"),
        ("cn", "correct-nodes"),
        ("an", "all-nodes"),
        ("mag", "graph"),
        ("MAGDi", "graph"),
    ],
)
def test_aliases_lead_to_their_level(alias: str, name: str) -> None:
    assert level_named(alias).name == name


def test_an_unknown_level_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="no level named 'all-node'; close: all-nodes"):
        level_named("all-node")


def test_a_weight_is_replaced_by_name() -> None:
    assert level_named("graph").reweighted({"node": 0.5}).objectives["node"] == 0.5


def test_a_weight_that_the_level_ignores_is_refused() -> None:
    with pytest.raises(UsageProblem, match="level round-0 has no margin objective; it has next-token"):
        level_named("round-0").reweighted({"margin": 1.0})
    with pytest.raises(UnknownName, match="no objective named 'margn'; close: margin"):
        level_named("graph").reweighted({"margn": 1.0})
