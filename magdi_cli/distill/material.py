"""What a student is trained on: a lesson's examples in tokens, and what each task has of them."""

from dataclasses import dataclass, replace

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.protocols import Report
from magdi_cli.distill.ablations import joined
from magdi_cli.distill.batches import Item, shortened, tokenize
from magdi_cli.distill.examples import active
from magdi_cli.distill.lesson import Lesson
from magdi_cli.distill.mixing import MixtureRow, mixed, mixture_in_words, mixture_rows
from magdi_cli.distill.schedule import Schedule, planned
from magdi_cli.distill.tokens import CachedTokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """Everything that a training reads."""

    items: tuple[Item, ...]
    mixture: tuple[MixtureRow, ...]
    dropped: int
    """Nodes that were too long to be among the items."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Each item's task."""
        return tuple(item.example.problem.task for item in self.items)

    def plan(self, config: DistillConfig) -> Schedule:
        """Which of the items each step reads."""
        return planned([item.length for item in self.items], mixed(self.tasks, config.mixture, config.seed), config)

    @property
    def counts(self) -> dict[str, int]:
        """How much there is to learn from."""
        examples = [item.example for item in self.items]
        return {
            "examples": len(examples),
            "nodes": sum(len(example.texts) for example in examples),
            "correct_nodes": sum(sum(example.correct) for example in examples),
            "pairs": sum(len(example.pairs) for example in examples),
            "flips": sum(len(example.flips) for example in examples),
            "dropped_nodes": self.dropped,
        }


def read_material(lesson: Lesson, tokenizer: CachedTokenizer, report: Report) -> Material:
    """The lesson's material; says what was too long, and how several tasks or files are mixed."""
    longest, objectives = lesson.config.max_length, active(lesson.level)
    items, sources, dropped = [], [], 0
    for example, source in lesson.examples:
        whole = tokenize(example, tokenizer)
        dropped += sum(len(whole.prompt) + len(tokens) > longest for tokens in whole.completions)
        if item := shortened(whole, max_length=longest, objectives=objectives):
            items.append(replace(item, example=joined(item.example, lesson.config)))
            sources.append((source, example.problem.task))
    if not items:
        raise DataProblem(f"all {dropped} nodes are longer than --max-length {longest}; raise it")
    if dropped and lesson.config.on_overflow == "fail":
        raise DataProblem(f"{dropped} nodes are longer than --max-length {longest}; raise it, or --on-overflow drop")
    if dropped:
        report.warn(f"{dropped} nodes are longer than --max-length {longest} and were left out")
    mixture = mixture_rows(lesson.corpus.origins, sources, lesson.config.mixture)
    if len(mixture) > 1:
        report.note(mixture_in_words(mixture, lesson.config.mixture))
    return Material(items=tuple(items), mixture=mixture, dropped=dropped)
