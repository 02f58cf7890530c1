"""`magdi build-graph`: debates in, validated interaction graphs and what they tell out."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from magdi_cli.build_graph.admission import Admission
from magdi_cli.build_graph.disagreements import Disagreement, disagreements
from magdi_cli.build_graph.exporting import EXPORTS, Export
from magdi_cli.build_graph.files import (
    DISAGREEMENTS,
    OURS,
    QUARANTINE,
    VALIDATION,
    LineFiles,
    install,
    rebuilt,
)
from magdi_cli.build_graph.importing.found import Found, Sources
from magdi_cli.build_graph.importing.registry import IMPORTERS
from magdi_cli.build_graph.splitting import ExcludeCount, Exclusion, sided
from magdi_cli.build_graph.statistics import GraphStatistics, GraphTally
from magdi_cli.core.artifact import DEBATES, GRAPHS, MANIFEST, Artifact
from magdi_cli.core.config import BuildGraphConfig
from magdi_cli.core.errors import DataProblem, UnknownName, UsageProblem
from magdi_cli.core.flow import Emit
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import STDIN, encode, source_name

ALWAYS = "jsonl"
"""The format that is written whether asked for or not."""
DISAGREEMENTS_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphSummary:
    """What was built, what was left out, and what the graphs tell."""

    schema: Literal["magdi.graph-summary/1"] = "magdi.graph-summary/1"
    folder: str
    graphs: int
    """In `graphs.jsonl`."""
    validation: int
    """In `validation.jsonl`."""
    refused: int
    """Records that made no valid graph, under `--on-invalid drop` or `quarantine`."""
    excluded: tuple[ExcludeCount, ...]
    disagreements: int
    """Nodes that we label otherwise than their source; all are in `disagreements.jsonl`."""
    first_disagreements: tuple[Disagreement, ...]
    statistics: GraphStatistics
    """Of the graphs in `graphs.jsonl`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What is asked for, checked before anything is written."""

    sources: Sources
    exclusions: Sequence[Exclusion]
    exports: Sequence[Export]


@dataclass(kw_only=True, slots=True)
class _Count:
    refused: int = 0
    validation: int = 0
    disagreements: int = 0
    first_disagreements: list[Disagreement] = field(default_factory=list)
    tally: GraphTally = field(default_factory=GraphTally)

    def disagree(self, found: Disagreement) -> None:
        self.disagreements += 1
        if self.disagreements <= DISAGREEMENTS_SHOWN:
            self.first_disagreements.append(found)


def run(config: BuildGraphConfig, report: Report, emit: Emit) -> GraphSummary:
    """Turn debates into `RUN/graphs/graphs.jsonl`; every line of it is also handed to `emit`.

    The files take their places only when every debate was read and everything is written: whatever goes wrong
    before leaves what was there.
    """
    plan = _plan(config, report)
    artifact = Artifact(kind="graphs", path=config.run_dir / "graphs")
    count = _Count()
    with rebuilt(artifact) as folder:
        with LineFiles(folder) as files:
            _build(config, plan, folder, files, count, report, emit)
        if not count.tally.graphs:
            raise DataProblem(_nothing(plan, count))
        summary = _summary(artifact.path, plan, count)
        if config.html:
            _write_page(config.html, folder / GRAPHS, summary.statistics, title=config.run_dir.name)
        install(folder, artifact.path)
        artifact.complete(config, inputs=[*plan.sources.paths, *config.exclude], counts=_counts(summary, plan))
    return summary


def _plan(config: BuildGraphConfig, report: Report) -> _Plan:
    if not 0 <= config.val < 1:
        raise UsageProblem(f"--val is {config.val}; a share is at least 0 and less than 1")
    if config.html:
        _check_page(config.html, config.run_dir / "graphs")
    return _Plan(
        exports=_exports(config.format),
        sources=Sources(paths=_paths(config), task=config.task, note=report.note),
        exclusions=[Exclusion(path) for path in config.exclude],
    )


def _check_page(path: Path, graphs: Path) -> None:
    """Refuse a page that cannot be written, or that would take the place of the graphs' own files."""
    if path.is_dir():
        raise UsageProblem(f"--html {path} is a folder; name a file, such as {path / 'page.html'}")
    if path.resolve() in {(graphs / name).resolve() for name in (*OURS, MANIFEST)}:
        raise UsageProblem(f"--html {path} is a file of the graphs themselves; name another")


def _exports(formats: Sequence[str]) -> list[Export]:
    names = [name.strip() for given in formats for name in given.split(",") if name.strip()]
    for name in names:
        if name not in (ALWAYS, *EXPORTS):
            raise UnknownName("format", name, (ALWAYS, *EXPORTS))
    return [EXPORTS[name] for name in dict.fromkeys(names) if name != ALWAYS]


def _paths(config: BuildGraphConfig) -> list[Path]:
    """The files to read; a folder stands for the debates in it."""
    if config.debates:
        ours = config.from_ == "magdi"
        return [path / DEBATES if ours and path != STDIN and path.is_dir() else path for path in config.debates]
    if config.from_ != "magdi":
        raise UsageProblem(f"--from {config.from_} needs the files to read")
    if not (path := config.run_dir / "debates" / DEBATES).exists():
        raise DataProblem(f"no debates in {config.run_dir}; run magdi debate first, or name a file of debates")
    return [path]


def _build(
    config: BuildGraphConfig,
    plan: _Plan,
    folder: Path,
    files: LineFiles,
    count: _Count,
    report: Report,
    emit: Emit,
) -> None:
    """Write every file of the folder."""
    admission = Admission(config.on_invalid, report.warn, lambda line: files.write(QUARANTINE, line))
    with ExitStack() as opened, report.progress("graphs", None) as advance:
        writers = [opened.enter_context(export(folder)) for export in plan.exports]
        found = IMPORTERS[config.from_](plan.sources)
        for graph, for_validation in sided(_admitted(found, admission, plan, files, count), config.val):
            line = encode(graph)
            if for_validation:
                count.validation += 1
                files.write(VALIDATION, line)
            else:
                files.write(GRAPHS, line)
                emit(line)
                count.tally.add(graph)
                for write in writers:
                    write(graph)
            advance()


def _admitted(
    found: Iterable[Found], admission: Admission, plan: _Plan, files: LineFiles, count: _Count
) -> Iterator[InteractionGraph]:
    """The graphs of valid debates about questions that are not excluded."""
    for item in found:
        graph = admission.graph(item)
        if graph is None or admission.in_vain or any(one.excludes(graph) for one in plan.exclusions):
            continue
        for disagreement in disagreements(item, graph):
            count.disagree(disagreement)
            files.write(DISAGREEMENTS, encode(disagreement))
        yield graph
    count.refused = admission.refused
    admission.conclude()


def _counts(summary: GraphSummary, plan: _Plan) -> dict[str, int]:
    """What the manifest counts."""
    return {
        "graphs": summary.graphs,
        "nodes": summary.statistics.nodes,
        "edges": summary.statistics.edges,
        "validation": summary.validation,
        "refused": summary.refused,
        "excluded": _excluded(plan),
    }


def _excluded(plan: _Plan) -> int:
    return sum(one.count().exact + one.count().near for one in plan.exclusions)


def _nothing(plan: _Plan, count: _Count) -> str:
    """Why there is not one graph."""
    names = ", ".join(map(source_name, plan.sources.paths))
    fates = {"refused": count.refused, "excluded": _excluded(plan), "for validation": count.validation}
    if told := [f"{number} {fate}" for fate, number in fates.items() if number]:
        return f"no graph is left of the debates in {names}: {', '.join(told)}"
    return f"no debates in {names}; run magdi debate first, or name another file"


def _write_page(path: Path, graphs: Path, statistics: GraphStatistics, *, title: str) -> None:
    from magdi_cli.build_graph.page.write import write_page

    write_page(path, graphs, json.loads(encode(statistics)), title=title)


def _summary(folder: Path, plan: _Plan, count: _Count) -> GraphSummary:
    return GraphSummary(
        folder=str(folder),
        graphs=count.tally.graphs,
        validation=count.validation,
        refused=count.refused,
        excluded=tuple(exclusion.count() for exclusion in plan.exclusions),
        disagreements=count.disagreements,
        first_disagreements=tuple(count.first_disagreements),
        statistics=count.tally.summary(),
    )
