"""`distill --dry-run`: what a training would read, take and learn, found without any of the student's weights."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from magdi_cli.core.protocols import Report
from magdi_cli.distill.encoding.batches import Batch, Item, Layout, batches_of, layout_of, longest_first
from magdi_cli.distill.encoding.material import Material
from magdi_cli.distill.encoding.sharing import PromptSharing
from magdi_cli.distill.encoding.sieve import Sifted, sift
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.lesson import Lesson
from magdi_cli.distill.lessons.mixing import MixtureRow
from magdi_cli.distill.lessons.schedule import Schedule
from magdi_cli.distill.looking.footprint import Estimate, MemoryPart
from magdi_cli.distill.looking.labels import LabelledGraph, first_graph
from magdi_cli.distill.student.loading import device_for, number_type, outline_student
from magdi_cli.distill.student.objectives import chosen_objectives
from magdi_cli.distill.student.student import ADAPTER, Student

PARTS: Mapping[str, str] = {ADAPTER: "adapter"}
"""What a part of the student is called, where not by its own name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedStep:
    """A step as training will take it."""

    step: int
    """Counted from 1."""
    epoch: float
    """Passes over the graphs that are done after it."""
    graphs: int
    texts: int
    """Distinct texts, each encoded once."""
    tokens: int
    """As `metrics.jsonl` counts them: without padding, a shared prompt once."""
    area: int
    """Tokens and padding."""
    bytes: int
    """What its largest batch needs while it is encoded and differentiated, beside the weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sharing:
    """What all steps come to under one way to share prompts; the one that training takes comes first."""

    prompt_sharing: PromptSharing
    tokens: int
    tokens_per_epoch: int
    tokens_per_step: float
    most_tokens: int
    """Of one step."""
    padding: float
    """Share of what is encoded that is padding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """A part of the student."""

    part: str
    parameters: int
    trained: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What the device must hold at the peak."""

    bytes: int
    parts: tuple[MemoryPart, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What `magdi distill` would do."""

    schema: Literal["magdi.distill-rehearsal/1"] = "magdi.distill-rehearsal/1"
    level: str
    base: str
    teachers: tuple[str, ...]
    objectives: Mapping[str, float]
    """The weights that would be trained with."""
    device: str
    dtype: str
    """Of the frozen base."""
    steps: int
    epochs: float
    mixture: tuple[MixtureRow, ...]
    """What an epoch would read of each task of each file."""
    material: tuple[Sifted, ...]
    lengths: Mapping[str, int]
    """`median`, `p99` and `longest` tokens of a prompt and its node, of those read."""
    sharings: tuple[Sharing, ...]
    parameters: tuple[Parameters, ...]
    trained_parameters: int
    memory: Memory
    first_graph: LabelledGraph
    plan: tuple[PlannedStep, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """The steps of a plan as batches, under one way to share prompts."""

    items: Sequence[Item]
    plan: Schedule
    layout: Layout

    def items_of(self, number: int) -> list[Item]:
        """What a step, counted from 0, reads: the longest first."""
        return longest_first([self.items[graph] for graph in self.plan.steps[number]])

    def batches_of(self, number: int) -> tuple[Batch, ...]:
        """The same as one process alone encodes it."""
        return batches_of(self.items_of(number), self.layout)

    def walked(self, estimate: Estimate, advance: Callable[[], None]) -> Iterator[PlannedStep]:
        """Every step, its batches made and let go."""
        for number, epoch in enumerate(self.plan.epochs):
            batches = self.batches_of(number)
            yield PlannedStep(
                step=number + 1,
                epoch=epoch,
                graphs=len(self.plan.steps[number]),
                texts=sum(batch.text_count for batch in batches),
                tokens=sum(batch.tokens for batch in batches),
                area=sum(batch.area for batch in batches),
                bytes=max(map(estimate.batch_bytes, batches)),
            )
            advance()


def rehearse(lesson: Lesson, material: Material, tokenizer: CachedTokenizer, report: Report) -> Rehearsal:
    """The training of this material, up to but without its first weight; nothing is written."""
    config, device, plan, letters = lesson.config, device_for(), material.plan(lesson.config), tokenizer.tokenizer
    student = _outline(lesson, device)
    estimate = Estimate(student, device, quantize=config.quantize)
    layout = layout_of(letters, config.prompt_sharing, config)
    chosen = _Reading(items=material.items, plan=plan, layout=layout)
    other = replace(chosen, layout=replace(layout, sharing="auto" if layout.sharing == "never" else "never"))
    with report.progress("dry run", 2 * len(plan.steps)) as advance:
        taken, compared = (tuple(reading.walked(estimate, advance)) for reading in (chosen, other))
    return Rehearsal(
        level=lesson.level.name,
        base=lesson.model.hub_id,
        teachers=lesson.teachers,
        objectives=dict(lesson.level.objectives),
        device=device.type,
        dtype=str(student.backbone.dtype).removeprefix("torch."),
        steps=len(plan.steps),
        epochs=plan.epochs[-1],
        mixture=material.mixture,
        material=sift(lesson, material, tokenizer),
        lengths=_lengths(material.items),
        sharings=(_sharing(chosen, taken), _sharing(other, compared)),
        parameters=tuple(_parameters(student)),
        trained_parameters=_size(student.trainable().values()),
        memory=_memory(estimate, chosen.batches_of(_largest(taken))),
        first_graph=first_graph(chosen.batches_of(0)[0], chosen.items_of(0)[0], letters),
        plan=taken,
    )


def _outline(lesson: Lesson, device: torch.device) -> Student:
    dtype, _ = number_type(device, lesson.config.dtype)
    student = outline_student(lesson.model, lesson.config, dtype=dtype)
    chosen = chosen_objectives(active(lesson.level), margin=lesson.config.margin)
    student.train_only([head for objective in chosen.values() for head in objective.heads])
    return student


def _largest(steps: Sequence[PlannedStep]) -> int:
    """The step, counted from 0, with the batch that needs the most memory."""
    return max(range(len(steps)), key=lambda number: steps[number].bytes)


def _memory(estimate: Estimate, batches: Sequence[Batch]) -> Memory:
    parts = (*estimate.of_weights(), *estimate.of_batch(max(batches, key=estimate.batch_bytes)))
    return Memory(bytes=sum(part.bytes for part in parts), parts=parts)


def _sharing(reading: _Reading, steps: Sequence[PlannedStep]) -> Sharing:
    tokens, area = sum(step.tokens for step in steps), sum(step.area for step in steps)
    return Sharing(
        prompt_sharing=reading.layout.sharing,
        tokens=tokens,
        tokens_per_epoch=round(tokens / steps[-1].epoch),
        tokens_per_step=tokens / len(steps),
        most_tokens=max(step.tokens for step in steps),
        padding=1 - tokens / area,
    )


def _lengths(items: Sequence[Item]) -> dict[str, int]:
    lengths = sorted(len(item.prompt) + len(completion) for item in items for completion in item.completions)
    return {"median": lengths[len(lengths) // 2], "p99": lengths[99 * len(lengths) // 100], "longest": lengths[-1]}


def _parameters(student: Student) -> Iterator[Parameters]:
    frozen = [p for p in student.backbone.parameters() if not p.requires_grad]
    yield Parameters(part="frozen base", parameters=_size(frozen), trained=False)
    for part, named in student.parts().items():
        yield Parameters(part=PARTS.get(part, part), parameters=_size(named.values()), trained=True)


def _size(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)
