"""The fence around a solution in a prompt, which no text inside may close or open anew."""

import re

_GAP = "[\\s\u00ad\u200b-\u200f\u2060\ufeff]*"
TAG = re.compile(
    r"([<\ufe64\uff1c])(\\*)(?=[/\s\u00ad\u200b-\u200f\u2060\ufeff]*" + _GAP.join("solution") + ")", re.IGNORECASE
)
"""The start of a fence: what opens it, and the backslashes that take its meaning away."""


def fenced(text: str) -> str:
    r"""The text with each `<solution` and `</solution`, however cased or spaced, as `<\solution`, `<\/solution`."""
    return TAG.sub(r"\1\\\2", text)
