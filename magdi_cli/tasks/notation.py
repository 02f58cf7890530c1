"""LaTeX spellings that mean the same, told without evaluating anything (after the MATH dataset's own normaliser)."""

import re

from magdi_cli.tasks.numbers import Number, parse_number, plain_math

_TEXT = r"\\(?:text|mbox|mathrm|textbf|mathbf|textnormal|textit|operatorname)\s*"
_BRACED_ARGUMENTS = (
    (re.compile(r"\\[dt]frac\b|\\[dt]frac(?=[0-9{])"), r"\\frac"),
    (re.compile(r"\\frac\s*([0-9a-zA-Z])"), r"\\frac{\1}"),
    (re.compile(r"(\\frac\s*\{[^{}]*\})\s*([0-9a-zA-Z])"), r"\1{\2}"),
    (re.compile(r"\\sqrt\s*([0-9a-zA-Z])"), r"\\sqrt{\1}"),
)
_UNIT = re.compile(rf"(?<=[^\s{{(])\s*(?:\\[ ,;!])*{_TEXT}\{{[^{{}}0-9]*\}}(?:\^\{{?[23]\}}?)?\s*\.?\Z")
_DEGREES = re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree|°")
_SPELLINGS = (
    (re.compile(rf"{_TEXT}\{{\s*,?\s*(?:and|or),?\s*\}}"), ","),
    (re.compile(rf"{_TEXT}\{{([^{{}}]*)\}}"), r"\1"),
    (re.compile(r"\\(?:left|right|displaystyle|big|Big)\b|\\[!,;: ]|\\q?quad\b|~"), ""),
    (re.compile(r"\\le\b|≤|<="), r"\\leq"),
    (re.compile(r"\\ge\b|≥|>="), r"\\geq"),
    (re.compile(r"\\times\b|\u00d7|\u00b7"), r"\\cdot"),
    (re.compile(r"∞"), r"\\infty"),
    (re.compile(r"π"), r"\\pi"),
    (re.compile(r"√\s*\(?([0-9]+)\)?"), r"\\sqrt{\1}"),
    (re.compile(r"\\?[%$]|\\approx\b"), ""),
    (re.compile(r"([_^])\{(\w)\}"), r"\1\2"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\s+"), ""),
    (re.compile(r",+"), ","),
    (re.compile(r"\A\(([A-Za-z])\)\Z"), r"\1"),
)
_NAME = re.compile(r"\A[a-zA-Z](?:\([a-z]\))?=")
_ONLY_TEXT = re.compile(rf"\s*(?:{_TEXT}\{{[^{{}}]*\}}\s*)+")
_SUBSCRIPT = re.compile(r"(?<=[0-9A-Fa-f])\}?_\{?(?:\\text\{)?([0-9]{1,2}|[a-z]+)\}*\s*\Z")


def fold(answer: str) -> frozenset[str]:
    """The plainest spellings of an expression: as it is, and without the `x=` it may begin with."""
    text = _plain(_UNIT.sub("", answer))
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return frozenset({text, _NAME.sub("", text)})


def number_in(answer: str) -> Number | None:
    """The number that an expression is, units, degrees and currency left out; None for anything else."""
    text = _plain(_UNIT.sub("", answer)).replace("\\approx", "")
    return parse_number(plain_math(text).replace("$", "").strip())


def prose(answer: str) -> bool:
    r"""Whether an answer is words, such as `\text{Friday}` or `two lines`, rather than mathematics."""
    if _ONLY_TEXT.fullmatch(answer):
        return True
    return re.fullmatch(r"[A-Za-z][A-Za-z ,.'-]{3,}", answer) is not None and " " not in answer[:2]


def subscripts(answer: str) -> str:
    """The base in which a number is written, such as `8` in `2516_8`; empty where there is none."""
    match = _SUBSCRIPT.search(answer)
    return match[1] if match else ""


def _plain(text: str) -> str:
    """Fractions and roots with all their braces, degrees dropped."""
    text = _DEGREES.sub("", text)
    for pattern, replacement in _BRACED_ARGUMENTS:
        text = pattern.sub(replacement, text)
    return text
