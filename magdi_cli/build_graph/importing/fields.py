"""Fields of others' records, checked one by one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from magdi_cli.tasks.rows import BadRow, text_of, whole

Row = Mapping[str, Any]

_MISSING = object()


class ManyFaults(BadRow):
    """Everything that is wrong with a record."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def faults_of(error: BadRow) -> tuple[str, ...]:
    """What is wrong, fault by fault."""
    return error.faults if isinstance(error, ManyFaults) else (str(error),)


def objects(row: Row, key: str) -> list[Row]:
    """The list of objects under a key."""
    value = row.get(key, _MISSING)
    if not isinstance(value, list) or not value:
        raise BadRow(f"{key!r} is {'empty' if value == [] else described(value)}; a list of objects is wanted")
    for number, item in enumerate(value, start=1):
        if not isinstance(item, dict):
            raise BadRow(f"{key} {number} is {described(item)}, not an object")
    return value


def text(row: Row, key: str) -> str:
    """The text under a key, as it stands; missing or not a text is a fault."""
    value = row.get(key, _MISSING)
    if not isinstance(value, str):
        raise BadRow(f"{key!r} is {described(value)}, not a text")
    return whole(value, key)


def name(row: Row, *keys: str) -> str | None:
    """The first of several keys that holds a name, in clean text; None where none does."""
    for key in keys:
        if found := text_of(row.get(key), key):
            return found
    return None


def round_number(row: Row, key: str = "round") -> int:
    """The round under a key."""
    value = row.get(key, _MISSING)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadRow(f"{key!r} is {described(value)}, not a round (0, 1, 2, ...)")
    return value


def verdict(row: Row, key: str = "correct") -> bool | None:
    """The source's own right or wrong; None where it has none."""
    value = row.get(key)
    if value is not None and not isinstance(value, bool):
        raise BadRow(f"{key!r} is {described(value)}, neither true nor false")
    return value


def each(rows: Sequence[Row], what: str, faults: list[str]) -> Iterator[tuple[Row, "Blame"]]:
    """Every row with a blame for it, so that the faults of all are collected."""
    for number, row in enumerate(rows, start=1):
        yield row, Blame(f"{what} {number}", faults)


class Blame:
    """A context that notes a `BadRow` with the place it came from, and goes on."""

    def __init__(self, place: str, faults: list[str]) -> None:
        self._place, self._faults = place, faults

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _traceback: object) -> bool:
        if not isinstance(error, BadRow):
            return False
        self._faults.append(f"{self._place}: {error}")
        return True


def described(value: object) -> str:
    """A JSON value in a word or two."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case int() | float():
            return str(value)[:20]
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "missing"
