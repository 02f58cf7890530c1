"""Reports of evaluations for other programs and for pull requests, each written only where an option asks for it."""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from magdi_cli.core.artifact import MANIFEST
from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.options import flag
from magdi_cli.core.protocols import Report
from magdi_cli.evaluate.evaluated import EVALUATION, PREDICTIONS, Evaluated
from magdi_cli.evaluate.gates import Gates
from magdi_cli.evaluate.reports.junit import write_junit
from magdi_cli.evaluate.reports.lm_eval import write_lm_eval
from magdi_cli.evaluate.reports.markdown import write_markdown

OWN_FILES = (PREDICTIONS, EVALUATION, MANIFEST)
"""What no report may take the place of."""


def check_writable(config: EvaluateConfig) -> None:
    """Refuse reports that could not be written, before any model runs; folders for them are made."""
    files = dict(_files(config))
    for option, path in files.items():
        _check_file(option, path)
        _try_folder(option, path, path.parent)
    if len({path.absolute() for path in files.values()}) < len(files):
        raise UsageProblem(f"{' and '.join(files)} name one file; give each its own")
    if (folder := config.lm_eval) is not None:
        _try_folder(flag("lm_eval"), folder, folder)


def write_reports(config: EvaluateConfig, evaluated: Sequence[Evaluated], gates: Gates, report: Report) -> None:
    """Write what the options ask for, and note where each went."""
    if config.junit is not None:
        write_junit(config.junit, evaluated, gates)
        report.note(f"JUnit XML: {config.junit}")
    if config.markdown is not None:
        write_markdown(config.markdown, evaluated, gates)
        report.note(f"Markdown: {config.markdown}")
    if config.lm_eval is not None:
        paths = write_lm_eval(config.lm_eval, evaluated, datetime.now())
        report.note(f"lm-eval's results, samples beside them: {', '.join(map(str, paths))}")


def _files(config: EvaluateConfig) -> Iterator[tuple[str, Path]]:
    for name in ("junit", "markdown"):
        if (path := getattr(config, name)) is not None:
            yield flag(name), path


def _check_file(option: str, path: Path) -> None:
    if path.is_dir():
        raise UsageProblem(f"{option} {path} is a folder; name a file in it")
    if (path.exists() and not path.is_file()) or Path("/dev") in path.absolute().parents:
        raise UsageProblem(f"{option} {path} is not a plain file; name one")
    if path.name in OWN_FILES:
        raise UsageProblem(f"{option} {path} is the name of a file of the evaluation itself; choose another")


def _try_folder(option: str, path: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageProblem(f"{option} {path} cannot be written: {error.strerror}") from None
