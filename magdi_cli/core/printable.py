"""Text for formats that cannot hold every character."""

import re

_NEWLINE = re.compile("\r\n?")
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """The text with plain newlines, and without what XML cannot hold: control characters and non-characters."""
    return _UNPRINTABLE.sub("", _NEWLINE.sub("\n", text))


def one_line(text: str, *, most: int) -> str:
    """The printable text on one line of at most so many characters."""
    words = " ".join(printable(text).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
