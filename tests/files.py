"""Files that tests write, and what they find in folders."""

import json
from pathlib import Path

from magdi_cli.core.debate import Debate
from magdi_cli.core.records import read_records


def written(path: Path, *rows: object) -> Path:
    """A file of JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def debates_held(folder: Path) -> list[Debate]:
    """The debates of the run in its default place."""
    return list(read_records(folder / "runs/default/debates/debates.jsonl", Debate))
