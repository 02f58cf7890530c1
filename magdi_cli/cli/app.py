"""`magdi`: a command for each room, and commands to look around."""

from typing import Annotated

import typer

from magdi_cli import __version__
from magdi_cli.cli.forms import Command, register
from magdi_cli.core.config import (
    BuildGraphConfig,
    DebateConfig,
    EfficiencyConfig,
    MergeConfig,
    ShowConfig,
    TeachersConfig,
)
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.evaluate_config import CompareConfig, EvaluateConfig, VerifyConfig

COMMANDS = (
    Command(
        name="debate",
        help="Let teachers debate problems in rounds; every call is kept, a stopped run resumes.\n\n"
        "magdi debate --teachers gpt-4,claude-2,gemini --task gsm8k --limit 100",
        config=DebateConfig,
        stage="magdi_cli.debate.stage",
        records="debates",
        next="build-graph",
        resumable=True,
    ),
    Command(
        name="build-graph",
        help="Turn debates, ours or others', into multi-agent interaction graphs: who heard whom, who was right.\n\n"
        "magdi debate ... -o - | magdi build-graph - -o -",
        config=BuildGraphConfig,
        stage="magdi_cli.build_graph.stage",
        view="magdi_cli.cli.evidence",
        records="graphs",
        next="distill",
    ),
    Command(
        name="distill",
        help="Train a small student on the graphs with LoRA, at one of five levels.\n\n"
        "magdi distill --level all-nodes\n\nmagdi distill --ladder single-teacher..graph --seeds 3",
        config=DistillConfig,
        stage="magdi_cli.distill.stage",
        launcher="magdi_cli.cli.launching",
        view="magdi_cli.cli.training",
        next="evaluate",
        resumable=True,
        kept="all up to the newest checkpoint is kept",
    ),
    Command(
        name="evaluate",
        help="Let a student, its base or any model answer problems, and judge the answers.\n\n"
        "magdi evaluate --self-consistency 10\n\n"
        "magdi evaluate --student base,graph --task gsm8k,svamp --fail-regression main.json:0.01",
        config=EvaluateConfig,
        stage="magdi_cli.evaluate.stage",
        view="magdi_cli.cli.evaluations",
        records="predictions",
        next="efficiency",
        resumable=True,
    ),
    Command(
        name="compare",
        help="Say whether one subject answers better than another, problem by problem, or that it cannot be told.\n\n"
        "magdi compare base graph\n\nmagdi compare main/predictions.jsonl branch/predictions.jsonl\n\n"
        "Stored verdicts are compared; magdi evaluate --rescore judges them anew. Exit code 0 whatever the result.",
        config=CompareConfig,
        stage="magdi_cli.evaluate.comparing",
        view="magdi_cli.cli.comparison",
    ),
    Command(
        name="verify",
        help="Judge one answer as every stage does, and say how that came about.\n\n"
        "magdi verify 1/2 'So the answer is 0.5.' --explain\n\n"
        "magdi verify B 'It must be the second one: (B).' --choices 'red|green|blue'\n\n"
        "magdi verify -- -5 'The temperature falls to -5 degrees.'\n\n"
        "Exit code 0 whatever the verdict.",
        config=VerifyConfig,
        stage="magdi_cli.tasks.verifying",
        view="magdi_cli.cli.verdict",
    ),
    Command(
        name="efficiency",
        help="Compare tokens, accuracy and money of the evaluations with those of the debates.\n\n"
        "magdi efficiency --json",
        config=EfficiencyConfig,
        stage="magdi_cli.efficiency.stage",
    ),
    Command(
        name="merge",
        help="Add a student's adapter to its base: one plain Hugging Face folder, compared with the student.\n\n"
        "magdi merge graph --to my-model",
        config=MergeConfig,
        stage="magdi_cli.distill.leaving.merging",
    ),
    Command(
        name="show",
        help="Read debates back: who said what, who changed their mind, how the vote went.\n\n"
        "magdi show runs/default lists them; magdi show runs/default '#3' reads the third.",
        config=ShowConfig,
        stage="magdi_cli.debate.reading",
        view="magdi_cli.cli.transcript",
    ),
    Command(
        name="teachers",
        help="List who can teach, or look at a panel: model, key, price and last day of each seat. Calls nobody.\n\n"
        'magdi teachers "gpt-4,claude-2,ada=sim?accuracy=0.8"\n\n'
        "Exit codes: 0 even where keys are missing, 2 a name or setting that does not exist, 3 a file that "
        "cannot be read.",
        config=TeachersConfig,
        stage="magdi_cli.engines.roster",
    ),
)

EXIT_CODES = (
    "Exit codes: 0 done, 1 bug, 2 usage, 3 data that does not fit, 4 credentials or model access, "
    "5 too many provider failures, 6 budget reached, 7 gate failed, 8 environment, 130/141/143 signals. "
    "5, 6 and the signals leave a run that the same command resumes."
)

app = typer.Typer(
    name="magdi",
    help="Distil debates between large language models into one small model.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": "MAGDI", "help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"magdi {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Five stages on one run directory: debate, build-graph, distill, evaluate, efficiency."""


for _command in COMMANDS:
    register(app, _command)


def main() -> None:
    """The console script."""
    app()
