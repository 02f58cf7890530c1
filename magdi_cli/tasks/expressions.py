"""Sums such as `(84 / 2)` or `11 * 31 + 27`, worked out exactly without evaluating any code."""

import re
from fractions import Fraction

LONGEST_SUM = 60
"""Characters; a reply's last step is far shorter."""

_PIECE = re.compile(r"\s*(?:\$?([0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)|([-+*/()]))")
_RANGE = re.compile(r"[0-9]+-[0-9]+\s*\Z")
_SUM = re.compile(r"[\s$]*(?:[-+*/()$\s]*(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)[\s)]*)+")


def leading_sum(text: str, start: int = 0) -> tuple[Fraction, int] | None:
    """The value and the end of the sum that begins at `start`; None where there is none or it is not well formed."""
    match = _SUM.match(text[start : start + LONGEST_SUM + 1])
    if match is None or match.end() > LONGEST_SUM or _RANGE.match(match[0]):
        return None
    pieces = [number or sign for number, sign in _PIECE.findall(match[0])]
    try:
        value, rest = _total(pieces)
    except (IndexError, ValueError, ZeroDivisionError):
        return None
    return None if rest else (value, start + match.end())


def _total(pieces: list[str]) -> tuple[Fraction, list[str]]:
    """The value of terms joined by + and -, and the pieces behind them."""
    value, pieces = _product(pieces)
    while pieces and pieces[0] in "+-":
        sign = 1 if pieces[0] == "+" else -1
        term, pieces = _product(pieces[1:])
        value += sign * term
    return value, pieces


def _product(pieces: list[str]) -> tuple[Fraction, list[str]]:
    value, pieces = _factor(pieces)
    while pieces and pieces[0] in "*/":
        divide = pieces[0] == "/"
        factor, pieces = _factor(pieces[1:])
        value = value / factor if divide else value * factor
    return value, pieces


def _factor(pieces: list[str]) -> tuple[Fraction, list[str]]:
    if pieces[0] == "(":
        value, rest = _total(pieces[1:])
        if rest[0] != ")":
            raise ValueError
        return value, rest[1:]
    if pieces[0] == "-":
        value, rest = _factor(pieces[1:])
        return -value, rest
    return Fraction(pieces[0].replace(",", "")), pieces[1:]
