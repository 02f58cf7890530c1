"""What a student may learn from: the five levels as data (arXiv 2402.01620, table 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from magdi_cli.core.errors import UnknownName, UsageProblem

OBJECTIVES: Mapping[str, float] = MappingProxyType({"next-token": 1.0, "margin": 0.1, "node": 1.0, "flip": 0.0})
"""The objectives and their default weights: the released code's, by name; it knows no flips, so they are off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Which nodes of a graph a student sees, and which objectives it is trained by."""

    name: str
    aliases: tuple[str, ...]
    teachers: Literal["one", "all"]
    rounds: Literal["first", "all"]
    nodes: Literal["correct", "all"]
    objectives: Mapping[str, float] = field(default_factory=lambda: weights("next-token"))

    def reweighted(self, changes: Mapping[str, float]) -> "Level":
        """The level with some weights replaced; an objective that it lacks is refused."""
        for name in changes:
            if name not in OBJECTIVES:
                raise UnknownName("objective", name, OBJECTIVES)
            if name not in self.objectives:
                raise UsageProblem(f"level {self.name} has no {name} objective; it has {', '.join(self.objectives)}")
        return Level(
            name=self.name,
            aliases=self.aliases,
            teachers=self.teachers,
            rounds=self.rounds,
            nodes=self.nodes,
            objectives={**self.objectives, **changes},
        )


def weights(*names: str) -> Mapping[str, float]:
    """The default weights of some objectives."""
    return MappingProxyType({name: OBJECTIVES[name] for name in names})


LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        level.name: level
        for level in (
            Level(name="single-teacher", aliases=("sit",), teachers="one", rounds="first", nodes="correct"),
            Level(name="round-0", aliases=("r0",), teachers="all", rounds="first", nodes="correct"),
            Level(name="correct-nodes", aliases=("cn",), teachers="all", rounds="all", nodes="correct"),
            Level(
                name="all-nodes",
                aliases=("an",),
                teachers="all",
                rounds="all",
                nodes="all",
                objectives=weights("next-token", "margin"),
            ),
            Level(
                name="graph",
                aliases=("mag", "magdi"),
                teachers="all",
                rounds="all",
                nodes="all",
                objectives=weights("next-token", "margin", "node", "flip"),
            ),
        )
    }
)


def level_named(name: str) -> Level:
    """The level of that name or alias."""
    for level in LEVELS.values():
        if name.lower() in (level.name, *level.aliases):
            return level
    raise UnknownName("level", name, [n for level in LEVELS.values() for n in (level.name, *level.aliases)])
