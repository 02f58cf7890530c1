"""JSON and JSON Lines as others write them: UTF-8, perhaps with a byte order mark, and nothing that JSON has not."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from magdi_cli.core.errors import DataProblem

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number from 1; a byte order mark is taken off the first."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


def strict_json(text: str) -> Any:
    """The value that a JSON text stands for; a `ValueError` says why it stands for none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def whole_text(content: bytes, name: str) -> str:
    """The content of a file as text; a `DataProblem` names its first bad line where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataProblem(
            f"{name}:{line} is not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8"
        ) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
