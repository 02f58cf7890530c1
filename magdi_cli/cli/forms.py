"""Commands made from configs: every field of a config is an option, an environment variable and a TOML key."""

import importlib
import inspect
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from magdi_cli.cli.boundary import NOTHING_LOST, boundary
from magdi_cli.cli.settings import settings_file
from magdi_cli.cli.streams import ReaderGone, Sink, owned_stdout
from magdi_cli.core.errors import GateFailed, UsageProblem
from magdi_cli.core.launcher import is_main_process, launched
from magdi_cli.core.options import Config, RunConfig, flag, plain_name
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import encode

SHARED_ENVIRONMENT = {"run_dir": "MAGDI_RUN_DIR", "run": "MAGDI_RUN_DIR", "data_dir": "MAGDI_DATA_DIR"}
"""Fields whose environment variable serves all commands."""
OUTPUT_PANEL = "Output"
QUIET_LIBRARIES = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "TRANSFORMERS_VERBOSITY": "error",
    "VLLM_LOGGING_LEVEL": "WARNING",
}
SHARED_MACHINE = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Beside another busy process, threads that spin at barriers train 5 times slower than threads that sleep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A subcommand: a form over a config, in front of a stage."""

    name: str
    help: str
    config: type[Config]
    stage: str
    """Module whose `run(config, report)` does the work, `run(config, report, emit)` where records can stream;
    imported only when the command runs."""
    records: str | None = None
    """What `-o -` streams; None where nothing can."""
    next: str | None = None
    """The command that usually follows."""
    resumable: bool = False
    """Whether the same command takes up work that was cut off."""
    kept: str = NOTHING_LOST
    """What is said of that work when it is cut off."""
    view: str | None = None
    """Module whose `view(document, width)` draws the result for people; None for plain tables."""
    launcher: str | None = None
    """Module whose `handed_over(config, ...)` starts the command as several processes; None where one does it all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """How a command speaks."""

    json: bool
    quiet: bool
    verbose: bool
    debug: bool
    out: str | None = None


def register(app: typer.Typer, command: Command) -> None:
    """Add a command to the application."""

    def run(**values: Any) -> None:
        output = Output(**{f.name: values.pop(f.name) for f in fields(Output) if f.name in values})
        values.pop("config")
        several = command.launcher is not None and launched()
        with boundary(debug=output.debug, resumable=command.resumable, kept=command.kept, one_of_several=several):
            _run(command, values, output)

    parameters = [*_fields_as_parameters(command), *_output_parameters(command)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(command.name, help=command.help, no_args_is_help=False)(run)


def _run(command: Command, values: Mapping[str, Any], output: Output) -> None:
    if output.json and output.out:
        raise UsageProblem("--json and -o both want stdout; take one")
    if output.out not in (None, "-"):
        raise UsageProblem(f"-o takes - for stdout, not {output.out!r}; the run directory holds the files")
    settings: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    config = command.config(**settings)
    _settle_environment({} if output.verbose else QUIET_LIBRARIES)
    if command.launcher and importlib.import_module(command.launcher).handed_over(
        config, json_wanted=output.json, verbose=output.verbose
    ):
        return
    speaks = command.launcher is None or is_main_process()
    with owned_stdout() as sink:
        from magdi_cli.cli.console import ConsoleReport, silent_report

        report = ConsoleReport(quiet=output.quiet) if speaks else silent_report()
        streams = [sink.write if output.out else _unread] if command.records else []
        try:
            result = importlib.import_module(command.stage).run(config, report, *streams)
        except GateFailed as failed:
            if speaks and failed.result is not None:
                _show(encode(failed.result), sink, output, command.view)
            raise
        if speaks:
            _show(encode(result), sink, output, command.view)
            _show_next(command, config, output, report)


def _show_next(command: Command, config: Config, output: Output, report: Report) -> None:
    """Name the command that usually follows, to a person."""
    spoken = not output.json and not output.out
    if command.next and isinstance(config, RunConfig) and config.writes and spoken:
        report.note(f"next: magdi {command.next} --run-dir {config.home}")


def _unread(_line: bytes) -> None:
    """Where records go that nobody streams."""


def _show(document: bytes, sink: Sink, output: Output, view: str | None) -> None:
    from magdi_cli.cli.console import rendered

    if output.out:
        return
    draw = importlib.import_module(view).view if view else None
    try:
        sink.write(document if output.json else rendered(json.loads(document), draw, terminal=sink.is_terminal))
    except ReaderGone:
        return  # all work is done and on disk


def _settle_environment(quiet: Mapping[str, str]) -> None:
    """Set what libraries read when they are imported, where the user has not."""
    for name, value in {**SHARED_MACHINE, **quiet}.items():
        os.environ.setdefault(name, value)
    if quiet and not sys.warnoptions:
        import warnings

        warnings.simplefilter("ignore")


def _fields_as_parameters(command: Command) -> list[inspect.Parameter]:
    """The arguments, then the command's own options, then those that all commands share."""
    hints = get_type_hints(command.config)
    shared = {f.name for f in fields(RunConfig)}
    ordered = sorted(fields(command.config), key=lambda f: (not f.metadata["argument"], f.name in shared))
    return [_parameter(f, hints[f.name], _variable(f.name, command.name)) for f in ordered]


def _variable(name: str, command: str) -> str | None:
    """The environment variable of a field, where it is not the one that typer would make of its name."""
    if name == plain_name(name):
        return SHARED_ENVIRONMENT.get(name)
    return f"MAGDI_{command}_{plain_name(name)}".replace("-", "_").upper()


def _parameter(f: Field[Any], hint: Any, variable: str | None) -> inspect.Parameter:
    info: Any
    if f.metadata["argument"]:
        info = typer.Argument(help=f.metadata["help"], show_default=False, envvar=variable, show_envvar=False)
    else:
        names = [] if hint is bool else [flag(f.name)]
        info = typer.Option(
            *names,
            help=f.metadata["help"],
            rich_help_panel=f.metadata["panel"],
            envvar=variable,
            show_default=f.default not in (None, "", ()),
        )
    if get_origin(hint) is tuple:
        return _keyword(f.name, GenericAlias(list, get_args(hint)[:1]), info, [])
    return _keyword(f.name, hint, info, f.default)


def _output_parameters(command: Command) -> list[inspect.Parameter]:
    def switch(name: str, *names: str, help: str) -> inspect.Parameter:
        return _keyword(name, bool, typer.Option(*names, help=help, rich_help_panel=OUTPUT_PANEL), False)

    settings = typer.Option(
        "--config",
        help="TOML file with a table for each command; flags and environment win over it.",
        rich_help_panel=OUTPUT_PANEL,
        is_eager=True,
        callback=settings_file,
    )
    stream = typer.Option("-o", "--out", help=f"- streams {command.records} to stdout.", rich_help_panel=OUTPUT_PANEL)
    return [
        _keyword("config", Path | None, settings, None),
        *([_keyword("out", str | None, stream, None)] if command.records else []),
        switch("json", "--json", help="One JSON document on stdout."),
        switch("quiet", "--quiet", "-q", help="Only warnings and errors on stderr."),
        switch("verbose", "--verbose", "-v", help="Let the libraries underneath speak, too."),
        switch("debug", "--debug", help="Show a traceback when something goes wrong."),
    ]


def _keyword(name: str, hint: Any, info: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[hint, info])
