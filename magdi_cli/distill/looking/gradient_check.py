"""`distill --check-gradients`: whether each objective trains the student, found on the first step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import set_seed

from magdi_cli.core.errors import GateFailed
from magdi_cli.core.protocols import Report
from magdi_cli.core.seeds import seed_for
from magdi_cli.distill.encoding.batches import Item, batches_of, layout_of, longest_first
from magdi_cli.distill.encoding.material import Material
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.lessons.ablations import GRAPH_FEATURES
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.lesson import Lesson
from magdi_cli.distill.looking.gradients import ADAPTER_GROUP, Probe
from magdi_cli.distill.student.checks import sharing_for
from magdi_cli.distill.student.loading import device_for, load_student
from magdi_cli.distill.student.objectives import Objective, chosen_objectives

SUM_TOLERANCE = 1e-4
"""Largest distance of the step's gradient from the weighted sum of its parts, relative to its norm."""
GRAPH_HEAD = "graph_encoder"
"""The head of those objectives that frozen graph features keep from the adapter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectiveGradients:
    """A row of the gradient matrix."""

    objective: str
    weight: float
    size: int
    """How many target tokens, graphs or nodes its mean is over."""
    loss: float | None
    """None where the step has nothing for it."""
    norms: Mapping[str, float]
    """Of its gradient, before its weight: in the adapter, in bands of the adapter's layers, in each head."""
    reaches: bool
    """Whether the adapter gets any of it."""
    should_reach: bool
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A claim about the step, and whether it holds."""

    claim: str
    found: str
    holds: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientCheck:
    """What the first step's gradients say."""

    schema: Literal["magdi.gradient-check/1"] = "magdi.gradient-check/1"
    level: str
    base: str
    graph_features: str
    problems: tuple[str, ...]
    """Of the step's graphs."""
    matrix: tuple[ObjectiveGradients, ...]
    checks: tuple[Check, ...]


def check_gradients(lesson: Lesson, material: Material, tokenizer: CachedTokenizer, report: Report) -> GradientCheck:
    """The gradient matrix of the first step; `GateFailed` where a check does not hold. Nothing is trained.

    The student computes in float32, whatever it trains in: rounding would blur what adds up exactly.
    """
    config, device = lesson.config, device_for()
    seed = seed_for(config.seed, "distill") % 2**32
    # before the first weight is drawn, as training does
    set_seed(seed)
    student = load_student(lesson.model, config, dtype=torch.float32).to(device)
    sharing = sharing_for(student, config.prompt_sharing, report, longest=material.longest)
    layout = layout_of(tokenizer.tokenizer, sharing, config)
    step = longest_first([material.items[graph] for graph in material.plan(config).steps[0]])
    batches = [batch.to(device) for batch in batches_of(step, layout)]
    chosen = chosen_objectives(active(lesson.level), margin=config.margin)
    weights = {name: lesson.level.objectives[name] for name in chosen}
    return _judged(lesson, step, Probe(student, batches, chosen, weights, seed=seed), chosen)


def _judged(lesson: Lesson, step: Sequence[Item], probe: Probe, chosen: Mapping[str, Objective]) -> GradientCheck:
    features = lesson.config.graph_features
    matrix = tuple(_row(name, probe, objective, features) for name, objective in chosen.items())
    texts = len({(item.prompt, completion) for item in step for completion in item.completions})
    found = GradientCheck(
        level=lesson.level.name,
        base=lesson.model.hub_id,
        graph_features=features,
        problems=tuple(item.example.problem.id for item in step),
        matrix=matrix,
        checks=tuple(_checks(probe, matrix, texts)),
    )
    if failed := [check for check in found.checks if not check.holds]:
        said = "; ".join(f"not so: {check.claim} ({check.found})" for check in failed)
        raise GateFailed(f"{said}. The student would not be trained as level {found.level} says", found)
    return found


def _row(name: str, probe: Probe, objective: Objective, features: str) -> ObjectiveGradients:
    norms, loss = probe.norms(name), probe.measured.terms.get(name)
    frozen = GRAPH_HEAD in objective.heads and not GRAPH_FEATURES[features].live
    reached = norms[ADAPTER_GROUP]
    if not loss:
        verdict = f"{name} has nothing to learn from in this step"
    elif not reached:
        verdict = f"{'frozen: ' if frozen else ''}{name} does not reach the adapter"
    else:
        what = "the graph trains the student: " if GRAPH_HEAD in objective.heads and features == "live" else ""
        verdict = f"{what}{name} reaches the adapter with norm {reached:.3g}"
    return ObjectiveGradients(
        objective=name,
        weight=probe.weights[name],
        size=probe.sizes[name],
        loss=loss,
        norms=norms,
        reaches=reached > 0,
        should_reach=bool(loss) and not frozen,
        verdict=verdict,
    )


def _checks(probe: Probe, matrix: Sequence[ObjectiveGradients], texts: int) -> Iterator[Check]:
    expected = [row.objective for row in matrix if row.should_reach]
    reaching = [row.objective for row in matrix if row.reaches]
    yield Check(
        claim=f"the adapter is trained by {_listed(expected)}",
        found=f"by {_listed(reaching)}",
        holds=reaching == expected,
    )
    yield Check(
        claim="the step's gradient is the weighted sum of its objectives'",
        found=f"relative distance {probe.distance:.1g}, at most {SUM_TOLERANCE:g}",
        holds=probe.distance <= SUM_TOLERANCE,
    )
    yield Check(
        claim="each distinct text is encoded once",
        found=f"{probe.encoded} encoded, {texts} distinct",
        holds=probe.encoded == texts,
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
