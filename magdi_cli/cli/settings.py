"""The `--config` file: TOML, a table for each command, the options' names as keys."""

import tomllib
from pathlib import Path
from typing import Any

import typer

from magdi_cli.core.errors import DataProblem, MagdiError, UnknownName, UsageProblem
from magdi_cli.core.options import plain_name


def settings_file(context: typer.Context, path: Path | None) -> Path | None:
    """Make the file's table for this command the defaults of its options; unknown keys are refused."""
    if path is None:
        return None
    try:
        context.default_map = _table(path, str(context.info_name), {p.name for p in context.command.params if p.name})
    except MagdiError as error:
        raise typer.BadParameter(str(error)) from None
    return path


def _table(path: Path, command: str, known: set[str]) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataProblem(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageProblem(f"{path} is not TOML: {error}") from None
    table = content.get(command, {})
    if not isinstance(table, dict):
        raise UsageProblem(f"{path}: {command} must be a table, [{command}]")
    fields = {plain_name(name): name for name in known}
    settings = {key.replace("-", "_"): value for key, value in table.items()}
    for key in settings:
        if key not in fields:
            raise UnknownName(f"option in [{command}] of {path}", key, fields)
    return {fields[key]: value for key, value in settings.items()}
