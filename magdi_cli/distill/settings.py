"""What the user asked for, parsed at the door: the recipe applied, the level reweighted, nonsense refused."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from types import MappingProxyType
from typing import Any

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.level import Level, level_named
from magdi_cli.distill.examples import active

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
"""Settings that a recipe replaces; `reference` is MAGDi's released train.py."""


def applied(config: DistillConfig) -> DistillConfig:
    """The config with its recipe's settings in place."""
    settled = replace(config, **RECIPES[config.recipe])
    for name in ("warmup_ratio", "lora_dropout"):
        if not getattr(settled, name) < 1:
            raise UsageProblem(f"--{name.replace('_', '-')} is {getattr(settled, name)}; it must be below 1")
    if not settled.epochs and not settled.max_steps:
        raise UsageProblem("--epochs and --max-steps are both 0; there is nothing to train")
    return settled


def level_of(config: DistillConfig) -> Level:
    """The config's level under the config's weights."""
    level = level_named(config.level).reweighted(dict(_weight(text) for text in config.weight))
    if not active(level):
        raise UsageProblem(f"all weights of level {level.name} are 0; there is nothing to train")
    if config.teacher is not None and level.teachers == "all":
        raise UsageProblem(f"level {level.name} learns from all teachers; --teacher belongs to single-teacher")
    return level


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
