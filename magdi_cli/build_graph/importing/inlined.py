"""Answer options that stand inside a question, taken out of it."""

import re

from magdi_cli.tasks.rows import MOST_CHOICES

_MARKER = re.compile(r"(?:(?<=\s)|(?<=\A))(?:\(([A-Za-z]|\d{1,2})\)|([A-Z]|\d{1,2})[).:])(?=\s)")
_HEADING = re.compile(r"\s*(?:answer\s+)?(?:options?|choices)(?:\s+are)?\s*:?\s*\Z", re.IGNORECASE)
_SEPARATORS = " \t\n,;|"


def options_in(question: str) -> tuple[str, tuple[str, ...]]:
    """The question without the options it ends with, and the options; none where no series A, B, ... or 1, 2, ... is.

    The series must be complete and in order. The last one counts, so that "vitamin A. Which ..." is none.
    """
    found = [(match.start(), match.end(), match[1] or match[2]) for match in _MARKER.finditer(question)]
    for first in range(len(found) - 1, -1, -1):
        if found[first][2] not in ("A", "a", "1"):
            continue
        series = found[first : first + MOST_CHOICES + 1]
        if len(series) < 2 or [mark for _, _, mark in series] != _expected(series[0][2], len(series)):
            continue
        ends = [start for start, _, _ in series[1:]] + [len(question)]
        options = tuple(question[start:end].strip(_SEPARATORS) for (_, start, _), end in zip(series, ends, strict=True))
        asked = _HEADING.sub("", question[: series[0][0]]).strip()
        if asked and all(options) and len(options) <= MOST_CHOICES:
            return asked, options
    return question, ()


def _expected(first: str, count: int) -> list[str]:
    if first == "1":
        return [str(number) for number in range(1, count + 1)]
    return [chr(ord(first) + step) for step in range(count)]
