"""Numbers in text: read exactly, compared exactly, and never large enough to hurt."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.number_words import LARGE

LONGEST_NUMBER = 60
"""Characters; what is longer is no answer, and turning it into a number could take minutes."""
LARGEST_EXPONENT = 50

_MAGNITUDE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_NUMBER = re.compile(
    rf"""
    (?P<sign>(?<![\w)\]}}.])[-+](?=[$€£]?[0-9.])|(?:(?<![\s\S])|(?<=[=(:{{$])|(?<=[=(:{{$][ ]))[-+][ ](?=[0-9]))?
    (?:[$€£]\s?(?P<inner>[-+])?)?
    (?<![A-Za-z_0-9.,])(?<![0-9][.,])
    (?:(?P<whole>[0-9]{{1,9}})\s+(?P<part>[0-9]{{1,9}})\s?/\s?(?P<of>[0-9]{{1,9}})(?![0-9.])
      |(?P<top>{_MAGNITUDE})(?:[eE](?P<exponent>[-+]?[0-9]+)(?!\w|\.[0-9]))?
       (?:\s?/\s?(?P<bottom>[0-9]+(?:\.[0-9]+)?))?)
    (?P<percent>\s?(?:%|percent\b))?
    """,
    re.VERBOSE,
)
_LATEX_STEPS = (
    (re.compile(r"\\[dt]?frac\s*\{\s*(-?[0-9]+)\s*\}\s*\{\s*([0-9]+)\s*\}"), r" \1/\2 "),
    (re.compile(r"\\[dt]?frac\s*([0-9])\s*([0-9])"), r" \1/\2 "),
    (re.compile(r"\\(?:text|mbox|mathrm|textbf|mathbf|textnormal|textit)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"(?<![0-9)])\*\*|\*\*(?![0-9(])"), ""),
    (re.compile(r"\\[!,;:]|\{(?=,)|(?<=,)\}|\\left|\\right"), ""),
    (re.compile(r"\\(?=[$% ])"), ""),
    (re.compile(r"\\approx|\\simeq|\\equiv|\u2248"), "="),
    (re.compile(r"\\times|\\cdot|\u00d7|\u00b7"), "*"),
    (re.compile(r"\\div|\u00f7"), "/"),
)
_WITH_WORD = re.compile(
    rf"(?<![\w.,])([0-9]{{1,3}}(?:,[0-9]{{3}}){{0,3}}(?:\.[0-9]{{1,9}})?)\s({'|'.join(LARGE)})\b", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A number as it was written."""

    value: Fraction
    """What it is worth, a percent sign left aside."""
    decimals: int | None
    """Digits after the point that matter; None for a fraction, which is never a rounding."""
    percent: bool

    @property
    def text(self) -> Answer:
        """Its canonical form."""
        plain = str(self.value) if self.decimals is None else _decimal(self.value, self.decimals)
        return Answer(plain + "%" * self.percent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A number in a text, and where it stands."""

    number: Number | None
    """None where it is too long or too large to be an answer."""
    start: int
    end: int


def plain_math(text: str) -> str:
    """The text with LaTeX and words inside of numbers, fractions and operators written plainly."""
    for pattern, replacement in _LATEX_STEPS:
        text = pattern.sub(replacement, text)
    return _WITH_WORD.sub(_in_full, text)


def _in_full(match: re.Match[str]) -> str:
    """`2.5 million` in digits."""
    value = Fraction(match[1].replace(",", "")) * LARGE[match[2].lower()]
    return str(value) if value.denominator == 1 else match[0]


def find_numbers(text: str) -> Iterator[Found]:
    """All numbers of a text, in order."""
    for match in _NUMBER.finditer(text):
        yield Found(number=_number(match), start=match.start(), end=match.end())


def parse_number(text: str) -> Number | None:
    """The number that a text is, as a whole; None for anything else."""
    match = _NUMBER.fullmatch(text.strip()) if len(text) <= 2 * LONGEST_NUMBER else None
    return _number(match) if match else None


def same_number(one: Number, other: Number) -> bool:
    """Whether two numbers are equal, one of them being rounded if need be; 50% is both 50 and 1/2."""
    if one.value == other.value:
        return True
    if one.percent != other.percent:
        percent, plain = (one, other) if one.percent else (other, one)
        return percent.value / 100 == plain.value
    return is_rounding(one, other) or is_rounding(other, one)


def is_rounding(short: Number, exact: Number) -> bool:
    """Whether `short` is `exact` rounded to two decimals or more, three significant digits or more."""
    if short.decimals is None or short.decimals < 2:
        return False
    if exact.decimals is not None and exact.decimals <= short.decimals:
        return False
    unit = Fraction(1, 10**short.decimals)
    return abs(short.value) >= 100 * unit and abs(short.value - exact.value) <= unit / 2


def _number(match: re.Match[str]) -> Number | None:
    value = _mixed(match) if match["whole"] is not None else _quotient(match)
    if value is None or match.end() - match.start() > LONGEST_NUMBER:
        return None
    negative = (match["sign"] or "").strip() == "-" or match["inner"] == "-"
    ratio = match["whole"] is not None or match["bottom"] is not None
    number = Number(
        value=-value if negative else value,
        decimals=None if ratio and value.denominator != 1 else _decimals(value),
        percent=match["percent"] is not None,
    )
    return number if len(number.text) <= LONGEST_NUMBER else None


def _mixed(match: re.Match[str]) -> Fraction | None:
    """`2 1/2` as a value."""
    below = int(match["of"])
    return int(match["whole"]) + Fraction(int(match["part"]), below) if below else None


def _quotient(match: re.Match[str]) -> Fraction | None:
    """A plain number, or one over another, as a value."""
    exponent = match["exponent"] or "0"
    if len(exponent) > 4 or abs(int(exponent)) > LARGEST_EXPONENT or match.end() - match.start() > LONGEST_NUMBER:
        return None
    below = Fraction(match["bottom"] or 1)
    return Fraction(match["top"].replace(",", "")) * Fraction(10) ** int(exponent) / below if below else None


def _decimals(value: Fraction) -> int:
    """Digits after the point of a value whose decimal form ends."""
    decimals = 0
    while (value * 10**decimals).denominator != 1:
        decimals += 1
    return decimals


def _decimal(value: Fraction, decimals: int) -> str:
    digits = str(abs(value.numerator) * 10**decimals // value.denominator).rjust(decimals + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
