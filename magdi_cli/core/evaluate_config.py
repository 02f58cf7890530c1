"""The knobs of `magdi evaluate`, and of the commands that look at what it leaves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from magdi_cli.core.options import (
    ENGINE_PANEL,
    GATES_PANEL,
    SAMPLING_PANEL,
    TASKS_PANEL,
    Config,
    RunConfig,
    option,
)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(RunConfig):
    """`magdi evaluate`."""

    problems: Path | None = option(None, "A file of problems instead of --task, or - for stdin.", argument=True)
    student: str | None = option(
        None,
        "Who answers: a student of the run (a level, or its folder's name), an adapter folder, base, or a model; "
        "several comma-separated; default: the newest student.",
        identity=False,
    )
    debates: bool = option(
        False, "Judge the run's debates instead: the team, and each teacher alone. No model is asked.", identity=False
    )
    task: str | None = option(
        None,
        "Benchmarks to answer, comma-separated, or all; default: the one the run debated.",
        panel=TASKS_PANEL,
        identity=False,
    )
    split: str = option("test", "Split of the benchmark.", panel=TASKS_PANEL)
    limit: int = option(
        0, "Answer the first N problems of each; 0 means all.", panel=TASKS_PANEL, identity=False, minimum=0
    )
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
        "auto",
        "What runs the model; auto is vllm where it imports, else transformers.",
        panel=ENGINE_PANEL,
        identity=False,
    )
    api_base: str | None = option(
        None,
        "Address of a running OpenAI-compatible server, for --engine api: http://HOST:PORT/v1.",
        panel=ENGINE_PANEL,
    )
    tensor_parallel: int = option(
        1, "GPUs that share one copy of the model, in vLLM.", panel=ENGINE_PANEL, identity=False, minimum=1
    )
    data_parallel: int = option(
        1, "Copies of the model that share the problems, in vLLM.", panel=ENGINE_PANEL, identity=False, minimum=1
    )
    engine_arg: tuple[str, ...] = option(
        (),
        "KEY=VALUE for vLLM's engine, such as gpu_memory_utilization=0.8; may be repeated.",
        panel=ENGINE_PANEL,
        identity=False,
    )
    rescore: bool = option(False, "Judge the stored predictions again, with no model.", identity=False)
    fail_under: float | None = option(
        None, "End with code 7 when an accuracy is below this share.", panel=GATES_PANEL, identity=False, minimum=0
    )
    fail_regression: str | None = option(
        None,
        "OLD.json:DROP: end with code 7 when an accuracy is more than DROP (such as 0.01; default: 0) below the one in "
        "an earlier evaluation.json, output of --json, result of --lm-eval, or folder of evaluations.",
        panel=GATES_PANEL,
        identity=False,
    )
    junit: Path | None = option(
        None,
        "Write JUnit XML: a test case for each gate and each problem. Wrong answers are failures only where a gate of "
        "their subject and task failed, so that no job turns red without a bar.",
        panel=GATES_PANEL,
        identity=False,
    )
    markdown: Path | None = option(
        None, "Write a table for a comment on a pull request.", panel=GATES_PANEL, identity=False
    )
    lm_eval: Path | None = option(
        None, "Folder for results and samples in lm-evaluation-harness's layout.", panel=GATES_PANEL, identity=False
    )


@dataclass(frozen=True, kw_only=True)
class CompareConfig(Config):
    """`magdi compare`."""

    a: str = option(
        "",
        "A subject of the run (graph, base, ...; its further seeds are taken in), an evaluation's folder, or a "
        "predictions.jsonl; several comma-separated are seeds of one subject.",
        argument=True,
    )
    b: str = option("", "What to compare it with, likewise.", argument=True)
    run_dir: Path = option(Path("runs/default"), "Folder that holds the run's evaluations.")
    task: str | None = option(None, "Tasks to compare on, comma-separated; default: all that both were evaluated on.")
    resamples: int = option(10_000, "Bootstrap resamples.", minimum=100)
    seed: int = option(0, "Seed of the resampling.")
    markdown: Path | None = option(None, "Write the comparison as a table for a comment on a pull request.")


@dataclass(frozen=True, kw_only=True)
class VerifyConfig(Config):
    """`magdi verify`."""

    gold: str = option("", "The reference answer.", argument=True)
    predicted: str = option("", "An answer, or a whole reply that an answer is read from; - for stdin.", argument=True)
    task: str | None = option(None, "Task whose answers these are; default: told from the gold answer.")
    choices: str | None = option(None, "The options of a multiple-choice problem, separated by |.")
    explain: bool = option(False, "Say how each answer was read, what was compared, and what decided.")
