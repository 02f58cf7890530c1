"""What an option of the program is: a field of a config that knows its help, its panel and its limits."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from magdi_cli.core.errors import UsageProblem

T = TypeVar("T")


def option(
    default: T,
    help: str,
    *,
    panel: str = "Options",
    identity: bool = True,
    argument: bool = False,
    minimum: float | None = None,
) -> T:
    """A field that is also a command-line option.

    `identity=False` marks knobs that change how fast or how far a run goes, not what its records say:
    a run may be resumed with another value.
    """
    made: T = field(
        default=default,
        metadata={"help": help, "panel": panel, "identity": identity, "argument": argument, "minimum": minimum},
    )
    return made


def plain_name(name: str) -> str:
    """A field's name as users write it: without the underscore that keeps it apart from a word of Python."""
    return name.removesuffix("_")


def flag(name: str) -> str:
    """A field's name as it is typed on the command line."""
    return "--" + plain_name(name).replace("_", "-")


RUN_PANEL = "Run"
TASKS_PANEL = "Problems"
PROTOCOL_PANEL = "Protocol"
SAMPLING_PANEL = "Sampling"
LIMITS_PANEL = "Limits and failures"
MONEY_PANEL = "Money"
TRAINING_PANEL = "Training"
VALIDATION_PANEL = "Validation"
LORA_PANEL = "LoRA"
DEVICES_PANEL = "Several devices"
LOOK_PANEL = "Look before you train"
SPLIT_PANEL = "Splits"
EXPORT_PANEL = "Further output"
ENGINE_PANEL = "Engine"
GATES_PANEL = "Gates and reports"


@dataclass(frozen=True, kw_only=True)
class Config:
    """What all commands share: options that check themselves."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value, minimum = getattr(self, f.name), f.metadata["minimum"]
            if isinstance(value, float) and not isfinite(value):
                raise UsageProblem(f"{flag(f.name)} is {value}; it must be a finite number")
            if minimum is not None and value is not None and not value >= minimum:
                raise UsageProblem(f"{flag(f.name)} is {value}; it must be at least {minimum}")


@dataclass(frozen=True, kw_only=True)
class RunConfig(Config):
    """What all stages share."""

    run_dir: Path = option(
        Path("runs/default"), "Folder that holds this run's artifacts.", panel=RUN_PANEL, identity=False
    )
    seed: int = option(0, "One number from which every seed of the run is derived.", panel=RUN_PANEL)

    @property
    def home(self) -> Path:
        """The run directory that the command writes to."""
        return self.run_dir

    @property
    def writes(self) -> bool:
        """Whether the command leaves something that the next one reads."""
        return True


def resolved(config: Config) -> dict[str, Any]:
    """All fields as plain JSON values."""
    return {plain_name(f.name): _plain(getattr(config, f.name)) for f in fields(config)}


def identity(config: Config) -> dict[str, Any]:
    """The fields on which the records depend, as plain JSON values."""
    return {plain_name(f.name): _plain(getattr(config, f.name)) for f in fields(config) if f.metadata["identity"]}


def arguments(config: Config, plain: Config) -> list[str]:
    """The words on the command line that turn `plain` into the config; None and empty cannot be typed."""
    changed = [f for f in fields(config) if getattr(config, f.name) != getattr(plain, f.name)]
    words: list[str] = []
    for f in sorted(changed, key=lambda f: not f.metadata["argument"]):
        value = getattr(config, f.name)
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        for one in values:
            words += [str(one)] if f.metadata["argument"] else _typed(flag(f.name), one)
    return words


def _typed(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [name if value else name.replace("--", "--no-", 1)]
    return [name, str(value)]


def digest(settings: Mapping[str, Any]) -> str:
    """A short digest of settings, the same whatever their order."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
