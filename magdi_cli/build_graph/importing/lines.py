"""The records of a file as raw lines: JSON Lines or a JSON list, plain or gzipped; never a pickle."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, cast

from magdi_cli.build_graph.importing.fields import described
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.records import open_source, source_name
from magdi_cli.tasks.json_text import BYTE_ORDER_MARK, numbered_lines, strict_json, whole_text
from magdi_cli.tasks.rows import BadRow

GZIP_MAGIC = b"\x1f\x8b"
PICKLE_SUFFIXES = (".pkl", ".pickle")
PICKLE_MAGIC = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One record, not yet read."""

    where: str
    """`file:17`, or `file: item 17` of a list."""
    raw: bytes

    def value(self) -> Mapping[str, Any]:
        """The JSON object in the line; `BadRow` where there is none."""
        try:
            value = strict_json(self.raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BadRow(f"not UTF-8 (byte {error.start + 1})") from None
        except ValueError as error:
            raise BadRow("it holds a NUL byte" if b"\0" in self.raw else f"not JSON ({error})") from None
        if not isinstance(value, dict):
            raise BadRow(f"{described(value)}, not an object")
        return value


def read_lines(path: Path) -> Iterator[Line]:
    """The records of a file or of standard input, one at a time; blank lines are passed over."""
    name = source_name(path)
    if path.name.removesuffix(".gz").endswith(PICKLE_SUFFIXES):
        raise _refused_pickle(name)
    with _opened(path) as handle:
        try:
            first = handle.peek(64).removeprefix(BYTE_ORDER_MARK)
            if first.startswith(PICKLE_MAGIC):
                raise _refused_pickle(name)
            is_list = first.lstrip().startswith(b"[")
            yield from _items(handle, name) if is_list else _plain_lines(handle, name)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataProblem(f"{name} is a damaged gzip file ({error})") from None


def _plain_lines(handle: IO[bytes], name: str) -> Iterator[Line]:
    for number, raw in numbered_lines(handle):
        yield Line(where=f"{name}:{number}", raw=raw)


def _items(handle: IO[bytes], name: str) -> Iterator[Line]:
    """The items of a JSON list; the list is read whole."""
    text = whole_text(handle.read(), name)
    try:
        items = strict_json(text)
    except ValueError as error:
        raise DataProblem(f"{name}: not JSON ({error}); one object a line is another way") from None
    for number, item in enumerate(items, start=1):
        yield Line(where=f"{name}: item {number}", raw=json.dumps(item).encode())


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """The content of a source, unpacked where it is gzipped."""
    if path.is_dir():
        raise DataProblem(f"{path} is a folder; name the files in it")
    with open_source(path) as source:
        handle = cast(BufferedReader, source)
        if handle.peek(2).startswith(GZIP_MAGIC):
            with gzip.open(handle) as unpacked:
                yield BufferedReader(cast(Any, unpacked))
        else:
            yield handle


def _refused_pickle(name: str) -> DataProblem:
    return DataProblem(
        f"{name} is a pickle, and reading a pickle runs whatever code is in it. Let the program that wrote it "
        "save JSON instead, or convert it where you trust it: json.dump(pickle.load(...), ...)"
    )
