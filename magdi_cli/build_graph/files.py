"""The files of `RUN/graphs`, which appear together or not at all."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import IO

from magdi_cli.build_graph.exporting import EXPORTS
from magdi_cli.core.artifact import GRAPHS, MANIFEST, Artifact
from magdi_cli.core.errors import EnvironmentProblem

VALIDATION = "validation.jsonl"
QUARANTINE = "quarantine.jsonl"
DISAGREEMENTS = "disagreements.jsonl"
OURS = (
    GRAPHS,
    VALIDATION,
    QUARANTINE,
    DISAGREEMENTS,
    *(name for export in EXPORTS.values() for name in export.writes),
)
"""Everything that may stand in the folder; what a new run does not write is removed, so that nothing is stale."""

UNFINISHED = ".unfinished"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Ends of writing that somebody who makes room can help."""


@contextmanager
def rebuilt(artifact: Artifact) -> Iterator[Path]:
    """An empty folder to write in, to be installed as the artifact's files; the artifact is ours until we leave."""
    artifact.path.mkdir(parents=True, exist_ok=True)
    folder = artifact.path / UNFINISHED
    with artifact.locked():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
            yield folder
        except OSError as error:
            if error.errno in FULL:
                raise _full(artifact.path, error) from None
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # only where nothing was ever built
                artifact.path.rmdir()


def _full(home: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"cannot write {home}: {error.strerror}; make room there and in {gettempdir()}, where graphs may wait, "
        "or take another --run-dir or TMPDIR"
    )


def install(folder: Path, home: Path) -> None:
    """Move the files of a folder into their places; of what we wrote there before, nothing else remains."""
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
