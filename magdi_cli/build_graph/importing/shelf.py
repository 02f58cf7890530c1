"""Records put aside on disk under keys, so that files of any size can be joined."""

from collections.abc import Iterator
from typing import IO

from magdi_cli.build_graph.importing.lines import Line


class Shelf:
    """Lines by key, in a file for it alone; memory holds only where each one lies."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[str, list[tuple[int, int, str]]] = {}

    def put(self, key: str, line: Line) -> None:
        """Add a line to those of a key."""
        start = self._file.tell()
        self._file.write(line.raw)
        self._places.setdefault(key, []).append((start, len(line.raw), line.where))

    def together(self) -> Iterator[list[Line]]:
        """The lines of each key, in the order in which the keys first came."""
        for places in self._places.values():
            yield [Line(where=where, raw=self._read(start, size)) for start, size, where in places]

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)
