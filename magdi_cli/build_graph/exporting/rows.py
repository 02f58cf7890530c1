"""A file of JSON lines that graphs are turned into."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from magdi_cli.build_graph.exporting import Write
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import encode, replacing


@contextmanager
def open_rows(path: Path, rows: Callable[[InteractionGraph], Iterable[object]]) -> Iterator[Write]:
    """A writer of each graph's rows, one JSON object a line."""
    with replacing(path) as handle:

        def write(graph: InteractionGraph) -> None:
            handle.writelines(encode(row) for row in rows(graph))

        yield write
