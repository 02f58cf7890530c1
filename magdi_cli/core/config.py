"""Every knob of the program but those of `distill` and `evaluate`, which have pages of their own.

Each stage takes one frozen config. The command line, the `MAGDI_<COMMAND>_<OPTION>` environment
variables, the `--config` file and the manifest are all derived from these fields: a field is the only
place where an option's name, type, default and help exist.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from magdi_cli.core.options import (
    EXPORT_PANEL,
    LIMITS_PANEL,
    MONEY_PANEL,
    PROTOCOL_PANEL,
    RUN_PANEL,
    SAMPLING_PANEL,
    SPLIT_PANEL,
    TASKS_PANEL,
    Config,
    RunConfig,
    option,
)


@dataclass(frozen=True, kw_only=True)
class DebateConfig(RunConfig):
    """`magdi debate`."""

    problems: Path | None = option(
        None, "A file of problems (.jsonl .json .csv .tsv .parquet, or - for stdin) instead of --task.", argument=True
    )
    teachers: str = option(
        "",
        "Two to eight seats, comma-separated: NAME[=MODEL][?key=value&...], sim, local:MODEL, or an alias.",
        identity=False,
    )
    teachers_file: Path | None = option(
        None, "TOML file of the seats, a table for each, instead of --teachers.", identity=False
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
    rounds: int = option(3, "Discussion rounds after round 0.", minimum=0, panel=PROTOCOL_PANEL)
    topology: Literal["full", "ring", "star"] = option(
        "full",
        "Who is shown whose turns: everybody's, both neighbours', or the first seat's alone.",
        panel=PROTOCOL_PANEL,
    )
    stop: Literal["agreement", "stable", "never"] = option(
        "agreement",
        "End a debate once all answers agree, once no open vote can change the result, or never early.",
        panel=PROTOCOL_PANEL,
    )
    aggregate: str = option(
        "confidence", "How the team answers: confidence, majority, or judge:SEAT.", panel=PROTOCOL_PANEL
    )
    demos: Path | None = option(
        None,
        "File of worked examples shown before the question (ReConcile's convincing samples).",
        panel=PROTOCOL_PANEL,
        identity=False,
    )
    prompts: Path | None = option(
        None, "Folder with templates that replace magdi's own.", panel=PROTOCOL_PANEL, identity=False
    )
    temperature: float = option(
        0.7, "Sampling temperature; a seat's own ?temperature= wins.", panel=SAMPLING_PANEL, minimum=0
    )
    max_tokens: int = option(1024, "Longest reply, in tokens.", panel=SAMPLING_PANEL, minimum=1)
    concurrency: str = option(
        "16",
        "Calls under way at once to each provider: N, or MIN-MAX; halved when one says it is too much. "
        "One provider's own: 16,openai=4-64.",
        panel=LIMITS_PANEL,
        identity=False,
    )
    rpm: str = option(
        "", "Calls a minute to each provider: N, or openai=500,anthropic=50.", panel=LIMITS_PANEL, identity=False
    )
    tpm: str = option("", "Tokens a minute to each provider, likewise.", panel=LIMITS_PANEL, identity=False)
    max_retries: int = option(
        6, "Tries after the first for a call that may still succeed.", panel=LIMITS_PANEL, identity=False, minimum=0
    )
    timeout: float = option(120.0, "Seconds to wait for one reply.", panel=LIMITS_PANEL, identity=False, minimum=0.001)
    deadline: float | None = option(
        None,
        "Seconds a problem's whole debate may take; calls it would still make fail.",
        panel=LIMITS_PANEL,
        identity=False,
        minimum=0.001,
    )
    fail_on_error: float = option(
        0.05,
        "Share of failed calls above which the run ends with code 5.",
        panel=LIMITS_PANEL,
        identity=False,
        minimum=0,
    )
    max_cost: float | None = option(
        None,
        "Dollars this run may cost in all; at the cap it ends with code 6, resumable.",
        panel=MONEY_PANEL,
        identity=False,
        minimum=0,
    )
    dry_run: bool = option(
        False,
        "Say what the debates would cost: calls, tokens, money. No key, no network, nothing written.",
        panel=MONEY_PANEL,
        identity=False,
    )
    fork: Path | None = option(
        None,
        "A new run directory for other settings; calls of --run-dir that still match are not made again.",
        panel=RUN_PANEL,
        identity=False,
    )

    @property
    def home(self) -> Path:
        """Where the debates go: the fork, where there is one."""
        return self.fork or self.run_dir

    @property
    def writes(self) -> bool:
        """Whether debates are held."""
        return not self.dry_run


@dataclass(frozen=True, kw_only=True)
class BuildGraphConfig(RunConfig):
    """`magdi build-graph`."""

    debates: tuple[Path, ...] = option(
        (), "Files of debates, folders that hold debates.jsonl, or - for stdin; default: the run's.", argument=True
    )
    from_: Literal["magdi", "magdi-reference", "traces", "messages"] = option(
        "magdi", "Whose layout the files have: magdi's own, the MAGDi release's, model outputs by question, or chats."
    )
    task: str | None = option(None, "Task of imported problems that name none; default: told from the file's name.")
    on_invalid: Literal["fail", "drop", "quarantine"] = option(
        "fail", "Debates that make no valid graph: stop, leave them out, or keep them in quarantine.jsonl."
    )
    val: float = option(
        0.0, "Share of the questions for validation.jsonl; near-duplicates stay together.", panel=SPLIT_PANEL, minimum=0
    )
    exclude: tuple[Path, ...] = option(
        (), "Problem file whose questions, and near-duplicates, are left out; may be repeated.", panel=SPLIT_PANEL
    )
    format: tuple[str, ...] = option(
        (),
        "Also write: graphml, node-link, pyg, mermaid, trl-sft, trl-dpo, kto; comma-separated or repeated.",
        panel=EXPORT_PANEL,
    )
    html: Path | None = option(
        None, "Write one page that shows graphs and statistics.", panel=EXPORT_PANEL, identity=False
    )


@dataclass(frozen=True, kw_only=True)
class EfficiencyConfig(RunConfig):
    """`magdi efficiency`."""

    debates: Path | None = option(None, "Folder with debates.jsonl; default: the run's.")
    evaluations: Path | None = option(None, "Folder with evaluations; default: the run's.")
    gpu_hour: float | None = option(
        None, "Dollars an hour of the student's machine; its money is unknown without.", minimum=0
    )


@dataclass(frozen=True, kw_only=True)
class MergeConfig(RunConfig):
    """`magdi merge`."""

    student: str | None = option(
        None,
        "A student of the run (a level, or its folder's name), or an adapter folder; default: the newest student.",
        argument=True,
    )
    to: Path | None = option(None, "Folder to write; default: STUDENT/merged.", identity=False)
    dtype: Literal["bfloat16", "bf16", "float16", "fp16", "float32", "fp32"] = option(
        "bfloat16", "Number type of the written weights; they are added up in float32."
    )
    base: str | None = option(
        None, "Where the student's base model is, if not where its adapter says; must be that very model."
    )
    force: bool = option(False, "Replace what an earlier merge wrote.", identity=False)


@dataclass(frozen=True, kw_only=True)
class ShowConfig(Config):
    """`magdi show`."""

    run: Path = option(
        Path("runs/default"),
        "Run directory, folder of debates, or debates.jsonl; default: runs/default.",
        argument=True,
    )
    problem: str | None = option(
        None, "Problem to read the debate about: its id, or its number in the file as '#3'.", argument=True
    )
    wrong: bool = option(False, "List only the debates whose team answer is not right.")
    changed: bool = option(False, "List only the debates in which somebody changed their mind.")


@dataclass(frozen=True, kw_only=True)
class TeachersConfig(Config):
    """`magdi teachers`."""

    seats: str = option(
        "", "A panel to look at instead of all aliases, written as for magdi debate --teachers.", argument=True
    )
    teachers_file: Path | None = option(None, "TOML file of the seats, a table for each, instead of SEATS.")
