"""What there is to learn, settled before any model is loaded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.artifact import GRAPHS
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import Level
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import STDIN, encode, read_records, source_name
from magdi_cli.distill.examples import Example, best_teacher, example_from, require_material
from magdi_cli.distill.settings import applied, level_of
from magdi_cli.engines.weights import ResolvedModel, resolve_model


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """Graphs, the level that reads them, and the model that is to learn."""

    config: DistillConfig
    """The user's config with its recipe applied."""
    level: Level
    model: ResolvedModel
    sources: tuple[Path, ...]
    graphs: tuple[InteractionGraph, ...]
    teacher: str | None
    """The one seat that is learned from; None where all are."""

    @property
    def teachers(self) -> tuple[str, ...]:
        """The seats that are learned from."""
        everyone = dict.fromkeys(node.agent for graph in self.graphs for node in graph.nodes)
        return (self.teacher,) if self.teacher else tuple(everyone)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the problems belong to."""
        return tuple(dict.fromkeys(graph.problem.task for graph in self.graphs))

    @property
    def facts(self) -> dict[str, object]:
        """What the student depends on besides the settings."""
        content = hashlib.sha256()
        for graph in self.graphs:
            content.update(encode(graph))
        return {"graphs_sha256": content.hexdigest(), "base": self.model.hub_id}

    @property
    def examples(self) -> list[Example]:
        """What the level reads of the graphs; a graph that teaches nothing gives none."""
        found = (example_from(graph, self.level, teacher=self.teacher) for graph in self.graphs)
        return [example for example in found if example is not None]


def prepare(config: DistillConfig, report: Report) -> Lesson:
    """The lesson of a config; whatever is wrong with it is said here, before the long work."""
    config = applied(config)
    level = level_of(config)
    sources = _sources(config)
    graphs = tuple(graph for source in sources for graph in read_records(source, InteractionGraph))
    if not graphs:
        raise DataProblem(f"no graphs in {', '.join(map(source_name, sources))}; run magdi build-graph first")
    teacher = _teacher(config, level, graphs, report)
    require_material(graphs, level, teacher=teacher)
    model = resolve_model(config.student)
    return Lesson(config=config, level=level, model=model, sources=sources, graphs=graphs, teacher=teacher)


def _sources(config: DistillConfig) -> tuple[Path, ...]:
    if config.graphs:
        return tuple(path / GRAPHS if path != STDIN and path.is_dir() else path for path in config.graphs)
    source = config.run_dir / "graphs" / GRAPHS
    if not source.exists():
        raise DataProblem(f"no graphs in {config.run_dir}; run magdi build-graph first, or name a file of graphs")
    return (source,)


def _teacher(config: DistillConfig, level: Level, graphs: Sequence[InteractionGraph], report: Report) -> str | None:
    if level.teachers == "all":
        return None
    seats = {node.agent for graph in graphs for node in graph.nodes}
    if config.teacher is None:
        best = best_teacher(graphs)
        report.note(f"learning from {best}, most often right alone of {', '.join(sorted(seats))}")
        return best
    if config.teacher not in seats:
        raise UnknownName("teacher", config.teacher, seats)
    return config.teacher
