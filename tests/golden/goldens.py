"""Golden files: written by `make golden`, compared by everything else."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def check(name: str, content: str) -> None:
    """Compare with the golden file of that name, or write it."""
    path = FOLDER / name
    if "WRITE_GOLDEN" in os.environ:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == content
