"""What the user asked for, parsed at the door: the recipe applied, the level reweighted, nonsense refused."""

from collections.abc import Mapping
from dataclasses import fields, replace
from math import isfinite
from types import MappingProxyType
from typing import Any

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.level import LEVELS, Level, level_named
from magdi_cli.distill.lessons.ablations import GRAPH_FEATURES
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.tracker_names import tracker_names

DEFAULT_LEVEL = "graph"

GRAPH_OBJECTIVES = frozenset({"node", "flip"})
"""The objectives that read the graph encoder alone, and train the student only through its node features."""

RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "magdi": {},
        "reference": {
            "lora_targets": "q_proj,v_proj",
            "learning_rate": 5e-6,
            "epochs": 10.0,
            # the released code steps on 16 pairs; a graph of 12 nodes gives it 6 to 12
            "batch_size": 2,
            "pairs": "reference",
        },
    }
)
"""Settings that a recipe replaces where the user left them alone; `reference` is MAGDi's released train.py."""


def applied(config: DistillConfig) -> DistillConfig:
    """The config with its recipe's settings in place."""
    untouched = {name: value for name, value in RECIPES[config.recipe].items() if name in _at_default(config)}
    settled = replace(config, **untouched)
    for name in ("warmup_ratio", "lora_dropout"):
        if not getattr(settled, name) < 1:
            raise UsageProblem(f"--{name.replace('_', '-')} is {getattr(settled, name)}; it must be below 1")
    if settled.dry_run and settled.check_gradients:
        raise UsageProblem("--dry-run loads no weights and --check-gradients needs them; take one at a time")
    if not (0 < settled.eval_every < 1 or settled.eval_every == int(settled.eval_every) > 0):
        raise UsageProblem(f"--eval-every is {settled.eval_every}; it is a whole number of steps, or a share below 1")
    if not settled.epochs and not settled.max_steps:
        raise UsageProblem("--epochs and --max-steps are both 0; there is nothing to train")
    tracker_names(settled.report_to)
    return settled


def _at_default(config: DistillConfig) -> set[str]:
    return {f.name for f in fields(config) if getattr(config, f.name) == f.default}


def levels_of(config: DistillConfig) -> tuple[Level, ...]:
    """The config's level, or those of its ladder, under the config's weights."""
    levels = _levels_named(config)
    if config.teacher is not None and all(level.teachers == "all" for level in levels):
        names = ", ".join(level.name for level in levels)
        raise UsageProblem(f"level {names} learns from all teachers; --teacher belongs to single-teacher")
    reweighted = tuple(_reweighted(level, weights_for(level, config)) for level in levels)
    for level in reweighted:
        _require_a_way_to_the_student(level, config.graph_features)
    return reweighted


def weights_for(level: Level, config: DistillConfig) -> tuple[str, ...]:
    """Those of the config's weights that the level is trained by; in a ladder, a weight need not concern every rung."""
    named = {text: _weight(text)[0] for text in config.weight}
    elsewhere = {name for other in _levels_named(config) for name in other.objectives} - set(level.objectives)
    return tuple(text for text, name in named.items() if name not in elsewhere)


def _levels_named(config: DistillConfig) -> tuple[Level, ...]:
    if config.ladder is None:
        return (level_named(config.level or DEFAULT_LEVEL),)
    if config.level is not None:
        raise UsageProblem(f"--level {config.level} and --ladder {config.ladder} both say what to train; drop one")
    first, dots, last = (part.strip() for part in config.ladder.partition(".."))
    names = [level_named(name.strip()).name for name in ((first, last) if dots else config.ladder.split(","))]
    places = [list(LEVELS).index(name) for name in names]
    if dots and places != sorted(places):
        raise UsageProblem(f"--ladder {config.ladder} leads down; turn it round: {last}..{first}")
    wanted = range(places[0], places[-1] + 1) if dots else places
    return tuple(level for place, level in enumerate(LEVELS.values()) if place in wanted)


def _reweighted(level: Level, weights: tuple[str, ...]) -> Level:
    changed = level.reweighted(dict(_weight(text) for text in weights))
    if not active(changed):
        raise UsageProblem(f"all weights of level {level.name} are 0; there is nothing to train")
    return changed


def _require_a_way_to_the_student(level: Level, features: str) -> None:
    if not GRAPH_FEATURES[features].live and set(active(level)) <= GRAPH_OBJECTIVES:
        raise UsageProblem(
            f"with --graph-features {features}, {', '.join(active(level))} cannot reach the student, and no other "
            "objective has any weight; give one to next-token or margin, or leave the features live"
        )


def _weight(text: str) -> tuple[str, float]:
    """The name and the number of `OBJECTIVE=WEIGHT`."""
    name, _, number = text.partition("=")
    try:
        weight = float(number)
    except ValueError:
        weight = float("nan")
    if not (isfinite(weight) and weight >= 0):
        raise UsageProblem(f"--weight {text!r} is not OBJECTIVE=WEIGHT with a weight of 0 or more, as in margin=0.2")
    return name.strip(), weight
