"""Every knob of the program on one page.

Each stage takes one frozen config. The command line, the `MAGDI_<COMMAND>_<OPTION>` environment
variables, the `--config` file and the manifest are all derived from these fields: a field is the only
place where an option's name, type, default and help exist.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

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


def flag(name: str) -> str:
    """A field's name as it is typed on the command line."""
    return "--" + name.replace("_", "-")


RUN_PANEL = "Run"
TASKS_PANEL = "Problems"
SAMPLING_PANEL = "Sampling"
LIMITS_PANEL = "Limits and failures"
TRAINING_PANEL = "Training"
LORA_PANEL = "LoRA"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What all stages share."""

    run_dir: Path = option(
        Path("runs/default"), "Folder that holds this run's artifacts.", panel=RUN_PANEL, identity=False
    )
    seed: int = option(0, "One number from which every seed of the run is derived.", panel=RUN_PANEL)

    def __post_init__(self) -> None:
        for f in fields(self):
            value, minimum = getattr(self, f.name), f.metadata["minimum"]
            if minimum is not None and value is not None and not value >= minimum:
                raise UsageProblem(f"{flag(f.name)} is {value}; it must be at least {minimum}")


@dataclass(frozen=True, kw_only=True)
class DebateConfig(RunConfig):
    """`magdi debate`."""

    problems: Path | None = option(
        None, "A file of problems (.jsonl .json .csv .tsv .parquet, or - for stdin) instead of --task.", argument=True
    )
    teachers: str = option(
        "", "Two to eight seats, comma-separated: NAME[=MODEL][?key=value&...], sim, local:MODEL, or an alias."
    )
    task: str = option("gsm8k", "Benchmark to draw problems from.", panel=TASKS_PANEL)
    split: str = option("train", "Split of the benchmark.", panel=TASKS_PANEL)
    limit: int = option(
        20,
        "Debate the first N problems; 0 means all (the paper used 1000).",
        panel=TASKS_PANEL,
        identity=False,
        minimum=0,
    )
    data_dir: Path | None = option(
        None, "Folder with TASK/SPLIT.jsonl, asked before the Hugging Face hub.", panel=TASKS_PANEL, identity=False
    )
    rounds: int = option(3, "Discussion rounds after round 0.", minimum=0)
    stop: Literal["agreement", "never"] = option("agreement", "End a debate once all answers agree, or never early.")
    temperature: float = option(
        0.7, "Sampling temperature; a seat's own ?temperature= wins.", panel=SAMPLING_PANEL, minimum=0
    )
    max_tokens: int = option(1024, "Longest reply, in tokens.", panel=SAMPLING_PANEL, minimum=1)
    concurrency: int = option(16, "Calls under way at once.", panel=LIMITS_PANEL, identity=False, minimum=1)
    max_retries: int = option(
        6, "Tries after the first for a call that may still succeed.", panel=LIMITS_PANEL, identity=False, minimum=0
    )
    timeout: float = option(120.0, "Seconds to wait for one reply.", panel=LIMITS_PANEL, identity=False, minimum=0.001)
    fail_on_error: float = option(
        0.05,
        "Share of failed calls above which the run ends with code 5.",
        panel=LIMITS_PANEL,
        identity=False,
        minimum=0,
    )


@dataclass(frozen=True, kw_only=True)
class BuildGraphConfig(RunConfig):
    """`magdi build-graph`."""

    debates: Path | None = option(
        None, "debates.jsonl, a folder that holds it, or - for stdin; default: the run's.", argument=True
    )
    on_invalid: Literal["fail", "drop"] = option("fail", "What to do with debates that make no valid graph.")


@dataclass(frozen=True, kw_only=True)
class DistillConfig(RunConfig):
    """`magdi distill`."""

    graphs: tuple[Path, ...] = option(
        (), "graphs.jsonl files or folders; several make a multi-task student; default: the run's.", argument=True
    )
    level: str = option("graph", "What to learn from: single-teacher, round-0, correct-nodes, all-nodes or graph.")
    teacher: str | None = option(None, "The seat that single-teacher learns from; default: the most accurate.")
    student: str = option("smollm2-135m", "Model to train: an alias, a Hugging Face id, or a folder.")
    epochs: float = option(3.0, "Passes over the graphs.", panel=TRAINING_PANEL, minimum=0)
    learning_rate: float = option(5e-4, "Peak learning rate.", panel=TRAINING_PANEL, minimum=0)
    batch_size: int = option(4, "Graphs a step.", panel=TRAINING_PANEL, minimum=1)
    warmup_ratio: float = option(
        0.1, "Share of the steps that warm the learning rate up.", panel=TRAINING_PANEL, minimum=0
    )
    max_length: int = option(
        1024,
        "Longest prompt plus node, in tokens; longer nodes are dropped and counted.",
        panel=TRAINING_PANEL,
        minimum=2,
    )
    max_steps: int = option(0, "Stop after N steps; 0 means by --epochs.", panel=TRAINING_PANEL, minimum=0)
    weight: tuple[str, ...] = option((), "OBJECTIVE=WEIGHT, such as margin=0.2; may be repeated.", panel=TRAINING_PANEL)
    margin: float = option(1.0, "Distance the margin objective asks for.", panel=TRAINING_PANEL, minimum=0)
    graph_features: Literal["live", "frozen"] = option(
        "live", "Node features that train the student, or the released code's that cannot.", panel=TRAINING_PANEL
    )
    recipe: Literal["magdi", "reference"] = option(
        "magdi", "reference: the released code's LoRA targets, learning rate, epochs and batch.", panel=TRAINING_PANEL
    )
    resume: Literal["auto", "never"] = option(
        "auto", "Continue from the newest checkpoint.", panel=TRAINING_PANEL, identity=False
    )
    lora_r: int = option(16, "Rank of the adapter.", panel=LORA_PANEL, minimum=1)
    lora_alpha: int = option(32, "Scale of the adapter.", panel=LORA_PANEL, minimum=1)
    lora_dropout: float = option(0.05, "Dropout of the adapter.", panel=LORA_PANEL, minimum=0)
    lora_targets: str = option("all-linear", "all-linear, or module names, comma-separated.", panel=LORA_PANEL)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(RunConfig):
    """`magdi evaluate`."""

    problems: Path | None = option(None, "A file of problems instead of --task, or - for stdin.", argument=True)
    student: str | None = option(
        None, "A level of the run, an adapter folder, base, or a model; default: the newest student."
    )
    task: str | None = option(None, "Benchmark to answer; default: the one the run debated.", panel=TASKS_PANEL)
    split: str = option("test", "Split of the benchmark.", panel=TASKS_PANEL)
    limit: int = option(0, "Answer the first N problems; 0 means all.", panel=TASKS_PANEL, identity=False, minimum=0)
    data_dir: Path | None = option(
        None, "Folder with TASK/SPLIT.jsonl, asked before the Hugging Face hub.", panel=TASKS_PANEL, identity=False
    )
    self_consistency: int = option(
        1, "Samples a problem; the majority of verified-equal answers wins.", panel=SAMPLING_PANEL, minimum=1
    )
    temperature: float | None = option(
        None, "Default: 0 (greedy), or 0.7 with several samples.", panel=SAMPLING_PANEL, minimum=0
    )
    max_tokens: int = option(512, "Longest reply, in tokens.", panel=SAMPLING_PANEL, minimum=1)
    engine: Literal["auto", "vllm", "transformers", "api"] = option(
        "auto", "What runs the model; auto is vllm where it imports, else transformers."
    )
    rescore: bool = option(False, "Judge the stored predictions again, with no model.", identity=False)
    fail_under: float | None = option(
        None, "End with code 7 when accuracy is below this share.", identity=False, minimum=0
    )


@dataclass(frozen=True, kw_only=True)
class EfficiencyConfig(RunConfig):
    """`magdi efficiency`."""

    debates: Path | None = option(None, "Folder with debates.jsonl; default: the run's.")
    evaluations: Path | None = option(None, "Folder with evaluations; default: the run's.")
    gpu_hour: float | None = option(
        None, "Dollars an hour of the student's machine; its money is unknown without.", minimum=0
    )


def resolved(config: RunConfig) -> dict[str, Any]:
    """All fields as plain JSON values."""
    return {f.name: _plain(getattr(config, f.name)) for f in fields(config)}


def identity(config: RunConfig) -> dict[str, Any]:
    """The fields on which the records depend, as plain JSON values."""
    return {f.name: _plain(getattr(config, f.name)) for f in fields(config) if f.metadata["identity"]}


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
