"""Records on disk: JSON Lines, UTF-8, one object a line, checked against its type on the way in."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

from magdi_cli.core.errors import DataProblem

STDIN = Path("-")
"""The path that stands for standard input."""

BAD_LINES = 20
"""Bad lines of a file that a message tells."""

T = TypeVar("T")


class BadRecord(DataProblem):
    """A line that is not the record it should be, with everything that is wrong with it."""

    def __init__(self, where: str, faults: Sequence[str], *, fields_are_sound: bool) -> None:
        super().__init__(f"{where}: {faults[0]}")
        self.faults = tuple(faults)
        """In words; the one that explains most comes first."""
        self.fields_are_sound = fields_are_sound
        """Whether every field is what it should be, and only together they make no record."""


def _new_codec(record_type: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(record_type)


_codec: Callable[[Any], Any] = cache(_new_codec)


def encode(record: object) -> bytes:
    """The record as one JSON line, newline included."""
    line: bytes = _codec(type(record)).dump_json(record)
    return line + b"\n"


def decode(record_type: type[T], line: bytes, where: str) -> T:
    """The record in a line; a `BadRecord` whose message begins with `where` if it is not one."""
    from pydantic import ValidationError

    try:
        record: T = _codec(record_type).validate_json(line, strict=True)
    except ValidationError as error:
        found = sorted(error.errors(include_url=False), key=_explains_least)
        sound = all(fault["type"] == "value_error" and not fault["loc"] for fault in found)
        raise BadRecord(where, [_in_words(fault) for fault in found], fields_are_sound=sound) from None
    return record


def _explains_least(fault: Any) -> int:
    """0 for a record of another kind, which explains every other fault; then keys that were meant to be others."""
    if fault["loc"] == ("schema",):
        return 0
    return 1 if fault["type"] == "unexpected_keyword_argument" else 2


def _in_words(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "unexpected_keyword_argument":
        message = "unknown key"
    if fault["type"] == "literal_error":
        message = f"{message}, and is {fault['input']!r}"
    return f"{place}: {message}" if place else message


def read_records(source: Path, record_type: type[T]) -> Iterator[T]:
    """The records of a file or of standard input, one at a time; errors carry `file:line`."""
    with open_source(source) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield decode(record_type, line, f"{source_name(source)}:{number}")


def read_sound(source: Path, record_type: type[T], *, way_out: str) -> list[T]:
    """All records of a file or of standard input; a `DataProblem` with every bad line and the way out if there are any.

    Reading stops after `BAD_LINES` of them.
    """
    records: list[T] = []
    bad: list[str] = []
    with open_source(source) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                records += [decode(record_type, line, f":{number}")] if line.strip() else []
            except BadRecord as fault:
                bad.append(str(fault))
            if len(bad) == BAD_LINES:
                break
    if bad:
        raise DataProblem(f"{source_name(source)}{'; '.join(bad)}; {way_out}")
    return records


def read_unfinished(source: Path, record_type: type[T], warn: Callable[[str], None]) -> Iterator[T]:
    """The records of a file that may still be written to: a torn last line is skipped with a warning."""
    with open_source(source) as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{source_name(source)}:{number}"
            try:
                record = decode(record_type, line, where) if line.strip() else None
            except DataProblem:
                if line.endswith(b"\n"):
                    raise
                record = None
                warn(f"{where}: skipped a torn last line of {len(line)} bytes; its record is not finished")
            if record is not None:
                yield record


def source_name(source: Path) -> str:
    """The source in words, for messages."""
    return "<stdin>" if source == STDIN else str(source)


@contextmanager
def open_source(source: Path) -> Iterator[IO[bytes]]:
    """The source opened for reading bytes; a missing file is a `DataProblem`."""
    if source == STDIN:
        yield sys.stdin.buffer
        return
    try:
        handle = source.open("rb")
    except OSError as error:
        raise DataProblem(f"cannot read {source}: {error.strerror}") from None
    with handle:
        yield handle


def repair_tail(path: Path) -> int:
    """Cut a torn last line off a file of records; the number of bytes cut."""
    if not path.exists():
        return 0
    with path.open("rb+") as handle:
        content_end = handle.seek(0, os.SEEK_END)
        keep = content_end
        while keep > 0:
            start = max(0, keep - 65536)
            handle.seek(start)
            newline = handle.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        handle.truncate(keep)
    return content_end - keep


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A handle whose content takes the path's place when all went well, and vanishes when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as handle:
            yield handle
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty folder that takes the path's place when all went well, and vanishes when not."""
    partial, former = path.with_name(path.name + ".partial"), path.with_name(path.name + ".former")
    for leftover in (partial, former):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.exists():
            path.rename(former)
        partial.rename(path)
    except BaseException:
        if former.exists() and not path.exists():
            former.rename(path)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(former, ignore_errors=True)


def write_records(path: Path, records: Iterable[object]) -> int:
    """Write records in place of a file; the number written."""
    count = 0
    with replacing(path) as handle:
        for record in records:
            handle.write(encode(record))
            count += 1
    return count


def sha256(path: Path) -> str:
    """The hex digest of a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
