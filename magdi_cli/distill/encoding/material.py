"""What a student is trained on: a lesson's examples in tokens, and what each task has of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Report
from magdi_cli.distill.encoding.batches import Item, shortened, tokenize
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.lessons.ablations import joined
from magdi_cli.distill.lessons.examples import Example, active
from magdi_cli.distill.lessons.lesson import Lesson
from magdi_cli.distill.lessons.mixing import MixtureRow, mixed, mixture_in_words, mixture_rows
from magdi_cli.distill.lessons.schedule import Schedule, planned


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """What a student is judged by and never learns from."""

    items: tuple[Item, ...]
    """At least one."""
    problems: tuple[Problem, ...]
    """Those that the student also answers."""
    tokenizer: Any

    @property
    def max_tokens(self) -> int:
        """The longest answer worth waiting for: the longest that a teacher gave, in the student's tokens."""
        return max(len(tokens) for item in self.items for tokens in item.completions)


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """Everything that a training reads."""

    items: tuple[Item, ...]
    mixture: tuple[MixtureRow, ...]
    dropped: int
    """Nodes that were too long to be among the items."""
    held_out: HeldOut | None
    """What the student is judged by while it learns."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Each item's task."""
        return tuple(item.example.problem.task for item in self.items)

    @property
    def longest(self) -> int:
        """The tokens of the longest node that is learned or judged by, prompt included."""
        judged = self.held_out.items if self.held_out else ()
        return max(item.longest for item in (*self.items, *judged))

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
    examples = lesson.examples
    found, dropped = _items([example for example, _ in examples], "nodes", lesson, tokenizer, report)
    sources = [(source, example.problem.task) for (example, source), item in zip(examples, found, strict=True) if item]
    mixture = mixture_rows(lesson.corpus.origins, sources, lesson.config.mixture)
    if len(mixture) > 1:
        report.note(mixture_in_words(mixture, lesson.config.mixture))
    items = tuple(item for item in found if item is not None)
    held_out = _held_out(lesson, tokenizer, report)
    return Material(items=items, mixture=mixture, dropped=dropped, held_out=held_out)


def _items(
    examples: Sequence[Example], what: str, lesson: Lesson, tokenizer: CachedTokenizer, report: Report
) -> tuple[list[Item | None], int]:
    """Each example in tokens, None where it is too long; and how many nodes were."""
    longest, objectives = lesson.config.max_length, active(lesson.level)
    whole = [tokenize(example, tokenizer) for example in examples]
    dropped = sum(len(item.completions) - len(item.fitting(longest)) for item in whole)
    short = [shortened(item, max_length=longest, objectives=objectives) for item in whole]
    if not any(short):
        raise DataProblem(f"all {dropped} {what} are longer than --max-length {longest}; raise it")
    if dropped and lesson.config.on_overflow == "fail":
        raise DataProblem(f"{dropped} {what} are longer than --max-length {longest}; raise it, or --on-overflow drop")
    if dropped:
        report.warn(f"{dropped} {what} are longer than --max-length {longest} and were left out")
    return [item and replace(item, example=joined(item.example, lesson.config)) for item in short], dropped


def _held_out(lesson: Lesson, tokenizer: CachedTokenizer, report: Report) -> HeldOut | None:
    graphs = lesson.corpus.held_out
    if not graphs:
        return None
    found, _ = _items(lesson.held_out, "validation nodes", lesson, tokenizer, report)
    # one question may have been debated several times
    problems = {graph.problem.question: graph.problem for graph in graphs}
    return HeldOut(
        items=tuple(item for item in found if item is not None),
        problems=tuple(problems.values()) if lesson.config.select == "accuracy" else (),
        tokenizer=tokenizer.tokenizer,
    )
