"""A program with magdi's command line around a stage that does what `--task` says; run by the tests beside it."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Literal

import typer

from magdi_cli.cli.forms import Command, register
from magdi_cli.core import errors
from magdi_cli.core.config import DebateConfig
from magdi_cli.core.flow import Emit
from magdi_cli.core.options import resolved
from magdi_cli.core.protocols import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    schema: Literal["magdi.probe/1"] = "magdi.probe/1"
    config: str
    rows: tuple[dict[str, int], ...] = ({"a": 1, "b": 2},)


def run(config: DebateConfig, report: Report, emit: Emit) -> Probed:
    kind, _, name = config.task.partition(":")
    match kind:
        case "noise":
            sys.stdout.write("python prints\n")
            os.write(1, b"a C library prints\n")
            subprocess.run(["echo", "a child prints"], check=True)
        case "raise":
            raise getattr(errors, name)("what, where, the way out")
        case "bug":
            raise ZeroDivisionError("oh")
        case "disk":
            raise OSError(28, "No space left on device", "runs/x")
        case "hang":
            report.note("hanging")
            time.sleep(600)
        case "records":
            for number in range(100_000):
                emit(b'{"record":%d}\n' % number)
    report.note("a note")
    report.warn("a warning")
    return Probed(config=json.dumps(resolved(config)))


if __name__ == "__main__":
    app = typer.Typer(
        pretty_exceptions_enable=False, context_settings={"auto_envvar_prefix": "MAGDI"}, add_completion=False
    )
    app.callback()(lambda: None)
    register(
        app,
        Command(
            name="debate",
            help="Probe.",
            config=DebateConfig,
            stage="tests.cli.probe",
            records="records",
            next="x",
            resumable=True,
        ),
    )
    sys.argv[0] = "magdi"
    app()
