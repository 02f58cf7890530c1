"""Problem files of every format as numbered rows; what cannot be read is a row that says why."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from magdi_cli.core.errors import DataProblem, EnvironmentProblem
from magdi_cli.core.records import STDIN, open_source
from magdi_cli.tasks.json_text import numbered_lines, strict_json, whole_text
from magdi_cli.tasks.rows import QUESTION_KEYS, BadRow

NumberedRow = tuple[str, Mapping[str, Any] | BadRow]
"""Where a row stands, such as `:17`, and the row or what is wrong with it."""

Made = TypeVar("Made")

DELIMITERS = ",;\t|"
MOST_FAULTS = 20
"""Faults after which reading stops."""


def read_rows(path: Path) -> Iterator[NumberedRow]:
    """The rows of a file, or of JSON Lines on standard input; the suffix decides how they are read."""
    if path == STDIN:
        return _json_lines(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataProblem(f"cannot read {path}: known are {' '.join(READERS)}, and - for JSON Lines on stdin")
    return reader(path)


def collect(
    rows: Iterable[NumberedRow],
    make: Callable[[str, Mapping[str, Any]], Made],
    *,
    source: str,
    what: str,
    limit: int = 0,
) -> list[Made]:
    """What `make` makes of the first `limit` rows (0: all) and their places.

    One `DataProblem` names the source, and everything that is wrong with it or that it holds no `what`.
    """
    made: list[Made] = []
    faults: list[str] = []
    for place, row in rows:
        try:
            if isinstance(row, BadRow):
                raise row
            made.append(make(place, row))
        except BadRow as fault:
            faults.append(f"{place} {fault}")
        if len(made) == limit > 0 or len(faults) == MOST_FAULTS:
            break
    if faults:
        stopped = f"; stopped after {MOST_FAULTS} faults" if len(faults) == MOST_FAULTS else ""
        raise DataProblem(f"{source}{'; '.join(faults)}{stopped}")
    if not made:
        raise DataProblem(f"{source} holds no {what}")
    return made


def _json_lines(path: Path) -> Iterator[NumberedRow]:
    with open_source(path) as lines:
        for number, line in numbered_lines(lines):
            yield f":{number}", _json_row(line)


def _json_row(line: bytes) -> Mapping[str, Any] | BadRow:
    try:
        row = strict_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadRow(f"is not UTF-8 (byte {error.start + 1})")
    except ValueError as error:
        brief = str(error).partition(": line")[0]
        return BadRow("holds a NUL byte" if b"\0" in line else f"is not JSON ({brief})")
    return row if isinstance(row, dict) else BadRow(f"is a {type(row).__name__}, not an object")


def _json_array(path: Path) -> Iterator[NumberedRow]:
    text = _decoded(path)
    try:
        rows = strict_json(text)
    except ValueError as error:
        raise DataProblem(f"{path}: not JSON ({error}); one object a line is .jsonl") from None
    if not isinstance(rows, list):
        raise DataProblem(f"{path}: a list of objects is wanted, not a {type(rows).__name__}")
    for number, row in enumerate(rows, start=1):
        place = f" item {number}"
        yield place, row if isinstance(row, dict) else BadRow(f"is a {type(row).__name__}, not an object")


def _decoded(path: Path) -> str:
    with open_source(path) as handle:
        return whole_text(handle.read(), str(path))


def _comma_separated(path: Path) -> Iterator[NumberedRow]:
    return _table(path, DELIMITERS)


def _tab_separated(path: Path) -> Iterator[NumberedRow]:
    return _table(path, "\t")


def _table(path: Path, delimiters: str) -> Iterator[NumberedRow]:
    text = _decoded(path)
    delimiter = _delimiter(path, text, delimiters)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [name.strip() for name in next(rows)]
    line = rows.line_num + 1
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataProblem(f"{path}:{line} is no table row ({error}; utf-8, delimiter {delimiter!r})") from None
        if cells:
            yield f":{line}", _table_row(header, cells)
        line = rows.line_num + 1


def _delimiter(path: Path, text: str, delimiters: str) -> str:
    """The delimiter by which the first line has a column of questions."""
    first = text.partition("\n")[0].strip("\r")
    for delimiter in delimiters:
        names = next(csv.reader([first], delimiter=delimiter), [])
        if any(name.strip() in QUESTION_KEYS for name in names):
            return delimiter
    raise DataProblem(
        f"{path}:1 has no column 'question' (read as utf-8 with the delimiters {' '.join(map(repr, delimiters))}): "
        f"{first[:80]!r}"
    )


def _table_row(header: list[str], cells: list[str]) -> Mapping[str, Any] | BadRow:
    if len(cells) != len(header):
        return BadRow(f"has {len(cells)} cells where the header has {len(header)}")
    return {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip() or name in QUESTION_KEYS}


def _parquet(path: Path) -> Iterator[NumberedRow]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise EnvironmentProblem("reading .parquet needs pyarrow: pip install pyarrow") from None
    number = 0
    with open_source(path) as handle:
        try:
            for batch in ParquetFile(handle).iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f" row {number}", row
        except (ArrowException, OSError) as error:
            raise DataProblem(f"{path} is no readable parquet file ({error})") from None


READERS: Mapping[str, Callable[[Path], Iterator[NumberedRow]]] = MappingProxyType(
    {
        ".jsonl": _json_lines,
        ".json": _json_array,
        ".csv": _comma_separated,
        ".tsv": _tab_separated,
        ".parquet": _parquet,
    }
)
