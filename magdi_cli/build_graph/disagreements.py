"""Where a source's own right and wrong is not ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from magdi_cli.build_graph.importing.found import Faulty, Found
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A turn that we label otherwise than its source does."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.disagreement/1"] = "magdi.disagreement/1"
    problem: str
    agent: str
    round: int
    gold: Answer
    our_answer: Answer | None
    our_verdict: bool
    their_answer: str | None
    their_verdict: bool


def disagreements(found: Found, graph: InteractionGraph) -> Iterator[Disagreement]:
    """The turns whose label in the graph of what was found is not the source's verdict."""
    if isinstance(found, Faulty):
        return
    spoken = [index for index, turn in enumerate(found.debate.turns) if turn.error is None]
    for index, node in zip(spoken, graph.nodes, strict=True):
        verdict = found.verdicts.get(index)
        if verdict is not None and verdict != node.correct:
            yield Disagreement(
                problem=graph.problem.id,
                agent=node.agent,
                round=node.round,
                gold=graph.problem.gold,
                our_answer=node.answer,
                our_verdict=node.correct,
                their_answer=found.answers.get(index),
                their_verdict=verdict,
            )
