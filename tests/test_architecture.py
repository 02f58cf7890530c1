"""The house itself."""

import subprocess
import sys
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from magdi_cli.cli.app import COMMANDS

ROOT = Path(__file__).parent.parent
HEAVY = {
    "torch", "transformers", "peft", "vllm", "litellm", "networkx", "datasets", "torch_geometric", "math_verify",
    "matplotlib",
}  # fmt: skip
MOST_LINES = 300


@pytest.mark.parametrize("arguments", [["--help"], *([command.name, "--help"] for command in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom magdi_cli.cli.app import app\n"
        f"try: app({arguments!r})\nexcept SystemExit: pass\n"
        "print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(done.stdout.rpartition("MODULES")[2].split())
    assert not modules & HEAVY
    assert "typer" in modules


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_option_says_what_it_does(command: object) -> None:
    for f in fields(command.config):  # type: ignore[attr-defined]
        assert f.metadata["help"].endswith("."), f.name


def test_no_file_is_too_long_to_hold_in_the_head() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*ROOT.glob("magdi_cli/**/*.py"), *ROOT.glob("tests/**/*.py")]
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}


def test_the_console_script_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="magdi")
    assert script.value == "magdi_cli.cli.app:main"
