"""What there is to learn, settled before any model is loaded."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.launcher import is_main_process
from magdi_cli.core.level import Level
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import encode
from magdi_cli.distill.lessons.corpus import Corpus, read_corpus
from magdi_cli.distill.lessons.examples import Example, example_from
from magdi_cli.distill.lessons.ladder import Rung, rungs
from magdi_cli.distill.lessons.selection import measure_of
from magdi_cli.distill.lessons.settings import applied, levels_of
from magdi_cli.engines.weights import ResolvedModel, resolve_model


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """Graphs, the rung that reads them, and the model that is to learn."""

    rung: Rung
    model: ResolvedModel
    corpus: Corpus

    @property
    def config(self) -> DistillConfig:
        """Of this student, with its recipe applied."""
        return self.rung.config

    @property
    def level(self) -> Level:
        """The level, under the config's weights."""
        return self.rung.level

    @property
    def artifact(self) -> Artifact:
        """The student's folder."""
        folder = self.config.run_dir / "students" / self.rung.name
        return Artifact(kind="student", path=folder, read_only=not is_main_process())

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files of graphs."""
        return self.corpus.paths

    @property
    def teachers(self) -> tuple[str, ...]:
        """The seats that are learned from."""
        return (self.rung.teacher,) if self.rung.teacher else self.corpus.seats

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the problems belong to."""
        return tuple(dict.fromkeys(graph.problem.task for graph in self.corpus.graphs))

    @property
    def facts(self) -> dict[str, object]:
        """What the student depends on besides the settings."""
        held_out = hashlib.sha256(b"".join(map(encode, self.corpus.held_out))).hexdigest()
        facts: dict[str, object] = {"graphs_sha256": self.corpus.sha256, "base": self.model.hub_id}
        return facts | ({"validation_sha256": held_out} if self.corpus.held_out else {})

    @property
    def examples(self) -> list[tuple[Example, str]]:
        """What the level reads of each graph, and the graph's file; a graph that teaches nothing gives none."""
        read = map(self._example, self.corpus.graphs)
        return [
            (example, source) for example, source in zip(read, self.corpus.sources, strict=True) if example is not None
        ]

    @property
    def held_out(self) -> list[Example]:
        """What the level reads of each validation graph."""
        return [example for example in map(self._example, self.corpus.held_out) if example is not None]

    def _example(self, graph: InteractionGraph) -> Example | None:
        return example_from(graph, self.level, teacher=self.rung.teacher)


def prepare(config: DistillConfig, report: Report) -> tuple[Lesson, ...]:
    """A lesson for each student of a config; whatever is wrong with one is said here, before the long work."""
    config = applied(config)
    levels_of(config)  # a mistake in the command shows before the files are read
    corpus = read_corpus(config, report)
    measure_of(config, validated=bool(corpus.held_out))
    climbed = rungs(config, corpus, report)
    model = resolve_model(config.student)
    lessons = tuple(Lesson(rung=rung, model=model, corpus=corpus) for rung in climbed)
    for lesson in lessons:
        if corpus.held_out and not lesson.held_out:
            raise DataProblem(
                f"level {lesson.level.name} reads nothing of the {len(corpus.held_out)} validation graphs; "
                "set more aside with magdi build-graph --val, or train with --validation none"
            )
        clash = lesson.artifact.clash(lesson.config, **lesson.facts)
        if clash and config.writes:
            raise DataProblem(clash)
        if clash:
            report.warn(f"training would end with code 3: {clash}")
    return lessons
