"""Places in a reply that announce the answer: a box, `####`, "the answer is", "Answer:"."""

import re
from dataclasses import dataclass
from typing import Literal

Rule = Literal["boxed", "hashes", "answer-is", "option-is", "answer-colon"]

LONGEST_SPAN = 2000
"""Characters looked at behind an anchor; the longest answer known (a matrix) has about 150."""

_BOX = re.compile(r"\\f?box(?:ed)?\s*(?:(\{)|([^\s{}$\\][^\s{}$]*))")
_HASHES = re.compile(r"####[ \t]*(?=\S)")
_PHRASE = re.compile(
    r"""(?<!\bthis[ ])(?<!\bthat[ ])\banswer(?:[ ](?:choice|option))?\b
    (?:\s+(?:to|for)\s+[^.\n:]{1,120}?)?
    (?:\s*\([^()\n]{0,60}\))?
    [\s*_"]*
    (?:(?P<is>,?\s*(?:(?<!\w)(?:is|was|would\s+be|should\s+be|will\s+be|equals)(?![\w])|=)(?!\s+(?:not|correct|right|wrong|incorrect|clear|found|based|obtained|that|to|how|as\s+follows|below)\b)[\s*_]*:?)
      |:|must\s+be\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OPTION_PHRASE = re.compile(
    r"\b(?:correct|best|right|likely|appropriate|plausible|suitable) (?:option|choice)"
    r"(?:\s+(?:to|for)\s+[^.\n:]{1,120}?)?(?P<is>\s+(?:is|would be)\b:?|:)",
    re.IGNORECASE,
)
_BLOCKS = (("\\[", "\\]"), ("$$", "$$"))
_OPTIONS = re.compile(r"(?:^[^\w\n]*[A-Za-z][.):][^\n]*(?:\n\s*|\Z)){2,}", re.MULTILINE)
_NOTHING = re.compile(
    r"\W*?\[\s*\]"
    r"|\W*(?:(?:so|therefore|thus|hence),?\s+)?(?:the|my)?\s*(?:final|correct|best)?\s*answer\b",
    re.IGNORECASE,
)
_SOMETHING = re.compile(r"[^\W_]|[\\+-]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = ((_PHRASE, "answer-is"), (_OPTION_PHRASE, "option-is"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """An announcement of an answer."""

    rule: Rule
    position: int
    span: str
    """The text in which the answer should be: the box, or what follows on the line."""
    last: bool
    """Whether nothing follows the span."""


def anchors(text: str) -> list[Anchor]:
    """All anchors of a text that announce something, in order."""
    found = boxed(text)
    finish = len(text.rstrip())
    found += [_behind(text, match, "hashes", finish) for match in _HASHES.finditer(text)]
    for pattern, rule in _RULES:
        for match in pattern.finditer(text):
            found.append(_behind(text, match, rule if match["is"] else "answer-colon", finish))
    return sorted(filter(_announces, found), key=lambda anchor: anchor.position)


def _announces(anchor: Anchor) -> bool:
    """Whether something follows, and not just empty brackets or one more announcement."""
    return _SOMETHING.search(anchor.span) is not None and not _NOTHING.match(anchor.span)


def boxed(text: str) -> list[Anchor]:
    r"""What stands in each `\boxed{...}`, in order; boxes that are never closed are left out."""
    closing = _closing_braces(text)
    finish = len(text.rstrip("} \n$."))
    found = []
    for match in _BOX.finditer(text):
        if match[1] is None:
            start, end = match.span(2)
        elif match.end() - 1 in closing:
            start, end = match.end(), closing[match.end() - 1]
        else:
            continue
        span = text[start : min(end, start + LONGEST_SPAN)].rstrip("." if match[1] is None else "")
        found.append(Anchor(rule="boxed", position=match.start(), span=span, last=end >= finish))
    return found


def _closing_braces(text: str) -> dict[int, int]:
    """The position of each opening brace that is closed, and of the brace that closes it."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACE.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            closing[opened.pop()] = match.start()
    return closing


def _behind(text: str, match: re.Match[str], rule: Rule, finish: int) -> Anchor:
    """The line behind an anchor, or the next one where that is blank; formulas and lists of options are taken whole."""
    window = text[match.end() : match.end() + LONGEST_SPAN]
    rest = window.lstrip(" \t\n*_:" if rule != "hashes" else " \t")
    end = rest.find("\n")
    for opening, close in _BLOCKS:
        if rest.startswith(opening) and (closed := rest.find(close, len(opening))) > 0:
            end = closed + len(close)
    if options := _OPTIONS.match(rest):
        end = options.end()
    span = rest if end < 0 else rest[:end]
    beyond = match.end() + len(window) - len(rest) + len(span)
    return Anchor(rule=rule, position=match.start(), span=span, last=beyond >= finish)
