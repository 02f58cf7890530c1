"""How long `magdi --help` takes beside an empty Typer application; printed, not judged."""

import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.bench
EMPTY = "import typer\napp = typer.Typer()\n@app.command()\ndef main() -> None: pass\napp(['--help'])"
OURS = "from magdi_cli.cli.app import app\napp(['--help'])"
RUNS = 7


def seconds(program: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    return time.perf_counter() - started


def test_help_beside_an_empty_application() -> None:
    seconds(OURS)
    pairs = [(seconds(OURS), seconds(EMPTY)) for _ in range(RUNS)]
    ours, empty = (sorted(column)[RUNS // 2] for column in zip(*pairs, strict=True))
    more = f"{ours - empty:.3f} s more, {ours / empty:.2f} times"
    print(f"\nmagdi --help {ours:.3f} s, an empty Typer application {empty:.3f} s: {more}")
