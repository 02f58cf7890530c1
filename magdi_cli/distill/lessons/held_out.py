"""Graphs kept from training, by which a student is judged while it learns."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from magdi_cli.core.artifact import GRAPHS
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import read_sound, source_name

VALIDATION = "validation.jsonl"
NONE = Path("none")
"""The `--validation` that switches it off."""
NAMED = 5
"""Problems that a refusal names."""


def read_graphs(path: Path) -> list[InteractionGraph]:
    """The graphs of a file; a `DataProblem` with all that is wrong with it."""
    return read_sound(path, InteractionGraph, way_out="magdi build-graph makes sound graphs of debates")


def read_held_out(
    config: DistillConfig, sources: Iterable[Path], trained_on: Sequence[InteractionGraph]
) -> tuple[InteractionGraph, ...]:
    """The validation graphs of a config; a `DataProblem` where a question of theirs is also trained on."""
    graphs = tuple(graph for path in _paths(config, sources) for graph in read_graphs(path))
    if not graphs and config.validation not in (None, NONE):
        raise DataProblem(
            f"no graphs in {config.validation}; magdi build-graph --val 0.1 makes some, or train with --validation none"
        )
    learned = {_words(graph.problem) for graph in trained_on}
    leaked = list(dict.fromkeys(graph.problem.id for graph in graphs if _words(graph.problem) in learned))
    if leaked:
        more = f" and {len(leaked) - NAMED} more" if len(leaked) > NAMED else ""
        raise DataProblem(
            f"{len(leaked)} validation problems are also trained on: {', '.join(leaked[:NAMED])}{more}; "
            "split anew with magdi build-graph --val, name another file, or train with --validation none"
        )
    return graphs


def _paths(config: DistillConfig, sources: Iterable[Path]) -> list[Path]:
    if config.validation == NONE:
        return []
    if config.validation is not None:
        path = config.validation / VALIDATION if config.validation.is_dir() else config.validation
        if not path.is_file():
            raise DataProblem(f"no validation graphs {source_name(path)}; magdi build-graph --val 0.1 makes some")
        return [path]
    beside = (source.with_name(VALIDATION) for source in sources if source.name == GRAPHS)
    return [path for path in beside if path.is_file()]


def _words(problem: Problem) -> tuple[str, ...]:
    """The question, whatever its spacing and capitals."""
    return tuple(problem.question.casefold().split())
