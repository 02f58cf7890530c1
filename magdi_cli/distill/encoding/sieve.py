"""What becomes of the graphs on their way to a student: what is read, and why the rest is not."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from magdi_cli.core.graph import InteractionGraph
from magdi_cli.distill.encoding.batches import shortened, tokenize
from magdi_cli.distill.encoding.material import Material
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.lessons.examples import Example, active, part_of_level
from magdi_cli.distill.lessons.lesson import Lesson
from magdi_cli.tasks.material import node_pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How much some graphs hold."""

    graphs: int
    nodes: int
    correct: int
    incorrect: int
    pairs: int
    edges: int

    def __sub__(self, other: "Count") -> "Count":
        """What the other lacks."""
        return Count(**{f.name: getattr(self, f.name) - getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Sifted:
    """A row of the account: all there is, what is left out for one reason, or what remains."""

    what: str
    count: Count


def sift(lesson: Lesson, material: Material, tokenizer: CachedTokenizer) -> tuple[Sifted, ...]:
    """The files' graphs, what is left out of them reason by reason, and what the student reads: the material."""
    longest, level, teacher = lesson.config.max_length, lesson.level, lesson.rung.teacher
    graphs, examples = lesson.corpus.graphs, [example for example, _ in lesson.examples]
    parts = [part_of_level(graph, level, teacher=teacher) for graph in graphs]
    items = [tokenize(example, tokenizer) for example in examples]
    fitting = [item.example.keeping(short) for item in items if (short := item.fitting(longest))]
    useful = [shortened(item, max_length=longest, objectives=active(level)) for item in items]
    remains = (
        (f"left out: not of level {level.name}", _examples([part for part in parts if part])),
        ("left out: read by no objective", _examples(examples)),
        (f"left out: longer than {longest} tokens", _examples(fitting)),
        ("left out: of no use without those", _examples([item.example for item in useful if item])),
        ("left out: by --pairs and --graph-features", _examples([item.example for item in material.items])),
    )
    whole = _graphs(graphs)
    before = (whole, *(count for _, count in remains))
    left_out = [
        Sifted(what=what, count=more - less)
        for (what, less), more in zip(remains, before[:-1], strict=True)
        if more != less
    ]
    return (Sifted(what="in the files", count=whole), *left_out, Sifted(what="read", count=before[-1]))


def _graphs(graphs: Sequence[InteractionGraph]) -> Count:
    verdicts = [node.correct for graph in graphs for node in graph.nodes]
    return Count(
        graphs=len(graphs),
        nodes=len(verdicts),
        correct=sum(verdicts),
        incorrect=len(verdicts) - sum(verdicts),
        pairs=sum(len(node_pairs(graph)) for graph in graphs),
        edges=sum(len(graph.edges) for graph in graphs),
    )


def _examples(examples: Sequence[Example]) -> Count:
    verdicts = [correct for example in examples for correct in example.correct]
    return Count(
        graphs=len(examples),
        nodes=len(verdicts),
        correct=sum(verdicts),
        incorrect=len(verdicts) - sum(verdicts),
        pairs=sum(len(example.pairs) for example in examples),
        edges=sum(len(example.edges) for example in examples),
    )
