"""The files of `RUN/graphs`, which appear together or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from magdi_cli.build_graph.exporting import EXPORTS
from magdi_cli.core.artifact import MANIFEST, Artifact

RECORDS = "graphs.jsonl"
VALIDATION = "validation.jsonl"
QUARANTINE = "quarantine.jsonl"
DISAGREEMENTS = "disagreements.jsonl"
OURS = (
    RECORDS,
    VALIDATION,
    QUARANTINE,
    DISAGREEMENTS,
    *(name for export in EXPORTS.values() for name in export.writes),
)
"""Everything that may stand in the folder; what a new run does not write is removed, so that nothing is stale."""

UNFINISHED = ".unfinished"


@contextmanager
def rebuilt(artifact: Artifact) -> Iterator[Path]:
    """An empty folder whose files take the places of the artifact's when all went well; else nothing changes."""
    artifact.path.mkdir(parents=True, exist_ok=True)
    folder = artifact.path / UNFINISHED
    try:
        with artifact.locked():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                yield folder
                _install(folder, artifact.path)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        with suppress(OSError):  # only where nothing was ever built
            artifact.path.rmdir()


def _install(folder: Path, home: Path) -> None:
    # without its manifest the artifact counts as unfinished while files change
    (home / MANIFEST).unlink(missing_ok=True)
    for name in OURS:
        made, place = folder / name, home / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        if made.exists():
            made.replace(place)
        else:
            place.unlink(missing_ok=True)


class LineFiles:
    """Files of lines in a folder, each made when its first line comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._handles: dict[str, IO[bytes]] = {}

    def __enter__(self) -> "LineFiles":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._open.close()

    def write(self, name: str, line: bytes) -> None:
        """Add a line to a file."""
        if name not in self._handles:
            self._handles[name] = self._open.enter_context((self._folder / name).open("wb"))
        self._handles[name].write(line)
