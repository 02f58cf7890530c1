"""The graphs of one or several files, and what these have in common."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.artifact import GRAPHS
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import STDIN, encode, source_name
from magdi_cli.distill.lessons.held_out import read_graphs, read_held_out


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """What there is to learn from."""

    paths: tuple[Path, ...]
    graphs: tuple[InteractionGraph, ...]
    sources: tuple[str, ...]
    """The file of each graph."""
    sha256: str
    """Of the graphs, in their order."""
    held_out: tuple[InteractionGraph, ...]
    """Validation graphs, about other questions."""

    @property
    def origins(self) -> tuple[tuple[str, str], ...]:
        """The file and the task of each graph."""
        return tuple((s, graph.problem.task) for s, graph in zip(self.sources, self.graphs, strict=True))

    @property
    def seats(self) -> tuple[str, ...]:
        """The agents that speak, in the order in which they first do."""
        return tuple(dict.fromkeys(node.agent for graph in self.graphs for node in graph.nodes))


class _Reading:
    """What the files read so far hold, and what later ones have in common with them."""

    def __init__(self) -> None:
        self.graphs: list[InteractionGraph] = []
        self.sources: list[str] = []
        self.content = hashlib.sha256()
        self.again = self.debated_again = self.other_question = 0
        self._first: dict[object, str] = {}
        """The file in which a graph, a problem or an id occurs first."""

    def add(self, graph: InteractionGraph, source: str) -> None:
        """Keep the graph, unless an earlier file has the very same."""
        line, problem = encode(graph), graph.problem
        if self._known(hashlib.sha256(line).digest(), source):
            self.again += 1
            return
        debated = self._known((problem.task, problem.question), source)
        named = self._known((problem.task, "id", problem.id), source)
        self.debated_again += debated
        self.other_question += named and not debated
        self.graphs.append(graph)
        self.sources.append(source)
        self.content.update(line)

    def _known(self, key: object, source: str) -> bool:
        return self._first.setdefault(key, source) != source


def read_corpus(config: DistillConfig, report: Report) -> Corpus:
    """The graphs of the config's files; what several files share is said.

    A graph that an earlier file has is left out; another debate about the same problem is a graph of its own.
    """
    paths, reading = _paths(config), _Reading()
    for path in paths:
        for graph in read_graphs(path):
            reading.add(graph, source_name(path))
    if not reading.graphs:
        raise DataProblem(f"no graphs in {', '.join(map(source_name, paths))}; run magdi build-graph first")
    for count, what in (
        (reading.again, "graphs are in an earlier file, too, and are read once"),
        (reading.debated_again, "graphs are further debates about problems of an earlier file; all are learned from"),
        (reading.other_question, "problems share their id, not their question, with one of an earlier file; both stay"),
    ):
        if count:
            report.note(f"{count} {what}")
    return Corpus(
        paths=paths,
        graphs=tuple(reading.graphs),
        sources=tuple(reading.sources),
        sha256=reading.content.hexdigest(),
        held_out=read_held_out(config, paths, reading.graphs),
    )


def _paths(config: DistillConfig) -> tuple[Path, ...]:
    if config.graphs:
        return tuple(dict.fromkeys(map(_file, config.graphs)))
    source = config.run_dir / "graphs" / GRAPHS
    if not source.exists():
        raise DataProblem(f"no graphs in {config.run_dir}; run magdi build-graph first, or name a file of graphs")
    return (source,)


def _file(path: Path) -> Path:
    if path == STDIN or not path.is_dir():
        return path
    if not (path / GRAPHS).exists():
        inside = (
            f"--run-dir {path} reads the graphs of that run"
            if (path / "graphs" / GRAPHS).exists()
            else "name a file of graphs"
        )
        raise DataProblem(f"no {GRAPHS} in the folder {path}; {inside}")
    return path / GRAPHS
