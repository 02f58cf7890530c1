"""The loss curve: every objective's loss over the steps, as a picture beside the student."""

import logging
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any

from magdi_cli.core.protocols import Report
from magdi_cli.core.records import replacing
from magdi_cli.distill.lessons.metrics import Step, Validation

Points = Sequence[tuple[int, float]]
"""Steps and losses."""

CURVE = "loss.png"
WINDOWS = 15
"""How many windows of the running mean the whole training has."""
WIDTH, HEIGHT = 4.4, 3.4
"""Inches of one objective's panel."""
TRAINING, VALIDATING = "#3366aa", "#cc5522"
STRONG: Mapping[str, Any] = MappingProxyType({"linewidth": 1.8})
DOTTED: Mapping[str, Any] = MappingProxyType({"linewidth": 1.8, "marker": "."})
FAINT: Mapping[str, Any] = MappingProxyType({"linewidth": 0.8, "alpha": 0.3})


def draw_curve(
    steps: Sequence[Step],
    path: Path,
    report: Report,
    *,
    title: str,
    validation: Mapping[str, Points] = MappingProxyType({}),
) -> None:
    """Draw the losses of training, and of validation where there are any; what goes wrong is a warning."""
    try:
        _draw(losses_of(steps), validation, path, title=title)
    except Exception as error:
        report.warn(f"no loss curve was drawn: {error}")


def losses_of(steps: Sequence[Step | Validation]) -> Mapping[str, Points]:
    """Each objective's loss at each step, or validation, that has one."""
    names = dict.fromkeys(name for step in steps for name in step.terms)
    return {name: [(step.step, step.terms[name]) for step in steps if name in step.terms] for name in names}


def running_mean(values: Sequence[float], window: int) -> list[float]:
    """At each value, the mean of it and those before it, at most `window` of them."""
    sums = [0.0, *accumulate(values)]
    return [(sums[i] - sums[max(0, i - window)]) / min(i, window) for i in range(1, len(sums))]


def _draw(losses: Mapping[str, Points], validation: Mapping[str, Points], path: Path, *, title: str) -> None:
    # its notes about fonts and caches are nobody's concern
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.figure import Figure

    names = list(dict.fromkeys([*losses, *validation]))
    width = WIDTH * len(names)
    figure = Figure(figsize=(width, HEIGHT), dpi=120)
    figure.suptitle(title, fontsize="medium", parse_math=False)
    # a layout engine would find these margins, in as much time as the drawing takes
    figure.subplots_adjust(left=0.65 / width, right=1 - 0.15 / width, bottom=0.16, top=0.82, wspace=0.25)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        _panel(panel, name, losses.get(name, ()), validation.get(name, ()))
    with replacing(path) as handle:
        figure.savefig(handle, format="png")


def _panel(panel: Any, name: str, losses: Points, validation: Points) -> None:
    panel.set_title(name)
    panel.set_xlabel("step")
    panel.set_ylabel("loss")
    steps, values = [step for step, _ in losses], [loss for _, loss in losses]
    window = max(1, len(losses) // WINDOWS)
    panel.plot(steps, values, color=TRAINING, label="each step", **(DOTTED if window == 1 else FAINT))
    if window > 1:
        panel.plot(
            steps, running_mean(values, window), color=TRAINING, label=f"mean of the last {window} steps", **STRONG
        )
    if validation:
        panel.plot(*zip(*validation, strict=True), color=VALIDATING, label="validation", **DOTTED)
    panel.locator_params(axis="x", integer=True, nbins=6)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize="small")
