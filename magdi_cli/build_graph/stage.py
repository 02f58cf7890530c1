"""`magdi build-graph`: debates in, validated interaction graphs out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.validate import faults
from magdi_cli.core.artifact import Artifact
from magdi_cli.core.config import BuildGraphConfig
from magdi_cli.core.debate import Debate
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.flow import Emit
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import STDIN, decode, encode, open_source, replacing, source_name
from magdi_cli.tasks.answers import verify

RECORDS = "graphs.jsonl"
DEBATES = "debates.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundCount:
    """The nodes of one round."""

    round: int
    nodes: int
    correct: int
    unanswered: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphSummary:
    """What the graphs hold."""

    schema: Literal["magdi.graph-summary/1"] = "magdi.graph-summary/1"
    folder: str
    graphs: int
    dropped: int
    """Debates that made no valid graph, under `--on-invalid drop`."""
    nodes: int
    edges: int
    correct: int
    rounds: tuple[RoundCount, ...]


@dataclass(kw_only=True, slots=True)
class _Count:
    graphs: int = 0
    dropped: int = 0
    edges: int = 0
    nodes: Counter[int] = field(default_factory=Counter)
    correct: Counter[int] = field(default_factory=Counter)
    unanswered: Counter[int] = field(default_factory=Counter)

    def add(self, graph: InteractionGraph) -> None:
        self.graphs += 1
        self.edges += len(graph.edges)
        for node in graph.nodes:
            self.nodes[node.round] += 1
            self.correct[node.round] += node.correct
            self.unanswered[node.round] += node.answer is None


def run(config: BuildGraphConfig, report: Report, emit: Emit) -> GraphSummary:
    """Turn debates into `RUN/graphs/graphs.jsonl`; every graph's line is also handed to `emit`.

    The file takes its place only when every debate was read: a faulty one leaves what was there before.
    """
    source = _source(config)
    count = _Count()
    artifact = Artifact(kind="graphs", path=config.run_dir / "graphs")
    artifact.path.mkdir(parents=True, exist_ok=True)
    with replacing(artifact.path / RECORDS) as handle, report.progress("graphs", None) as advance:
        for graph in _graphs(source, config, count, report):
            line = encode(graph)
            handle.write(line)
            emit(line)
            count.add(graph)
            advance()
        if not count.graphs:
            raise DataProblem(f"no debates in {source_name(source)}; run magdi debate first, or name another file")
    counts = {"graphs": count.graphs, "nodes": count.nodes.total(), "edges": count.edges, "dropped": count.dropped}
    artifact.complete(config, inputs=[source], counts=counts)
    return _summary(artifact.path, count)


def _source(config: BuildGraphConfig) -> Path:
    source = config.debates or config.run_dir / "debates"
    if source != STDIN and source.is_dir():
        source = source / DEBATES
    if config.debates is None and not source.exists():
        raise DataProblem(f"no debates in {config.run_dir}; run magdi debate first, or name a file of debates")
    return source


def _graphs(source: Path, config: BuildGraphConfig, count: _Count, report: Report) -> Iterator[InteractionGraph]:
    seen: set[str] = set()
    with open_source(source) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield _graph(line, f"{source_name(source)}:{number}", seen)
            except DataProblem as problem:
                if config.on_invalid == "fail":
                    raise DataProblem(f"{problem}; --on-invalid drop leaves such debates out") from None
                count.dropped += 1
                report.warn(f"dropped {problem}")


def _graph(line: bytes, where: str, seen: set[str]) -> InteractionGraph:
    debate = decode(Debate, line, where)
    if debate.problem.id in seen:
        raise DataProblem(f"{where}: problem {debate.problem.id!r} was debated on an earlier line already")
    seen.add(debate.problem.id)
    graph = build_graph(debate, _judge)
    if found := faults(graph):
        raise DataProblem(f"{where}: problem {debate.problem.id!r}: {'; '.join(found)}")
    return graph


def _judge(answer: Answer | None, problem: Problem) -> bool:
    return verify(answer, problem).correct


def _summary(folder: Path, count: _Count) -> GraphSummary:
    return GraphSummary(
        folder=str(folder),
        graphs=count.graphs,
        dropped=count.dropped,
        nodes=count.nodes.total(),
        edges=count.edges,
        correct=count.correct.total(),
        rounds=tuple(
            RoundCount(round=r, nodes=count.nodes[r], correct=count.correct[r], unanswered=count.unanswered[r])
            for r in sorted(count.nodes)
        ),
    )
