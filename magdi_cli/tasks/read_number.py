"""Answers that are one number."""

import re
from fractions import Fraction

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.anchors import Anchor
from magdi_cli.tasks.expressions import leading_sum
from magdi_cli.tasks.judgement import (
    Choices,
    Extraction,
    Reader,
    Verdict,
    conclusive,
    extraction,
    first_sentence,
    sentences,
)
from magdi_cli.tasks.number_words import leading_words
from magdi_cli.tasks.numbers import Found, find_numbers, parse_number, plain_math, same_number

_BEFORE = re.compile(
    r"(?:[\s$*_`\"'\[{\\:=~,]|\b(?:approximately|about|around|exactly|roughly|only|a total of|just|thus)\b)*",
    re.IGNORECASE,
)
_STARTS_WITH_NUMBER = re.compile(r"[-+(\s$€£]*\.?[0-9]")
_OPERATOR = re.compile(r"[\s)]*(?:[=<>]|(?:[-+*/^x]|\bto\b)[\s$(]*-?[0-9.])")
_CLOCK = re.compile(r":(?!00)[0-9]{2}")
_OR_ANOTHER = re.compile(r",?\s*(?:[A-Za-z]+\s+){0,2}(?:or|and)\s+[$(]*[0-9.]")
_UNDECIDED = re.compile(r"\W*(?:unknown|unclear|undefined|not|impossible|cannot|none)\b", re.IGNORECASE)
_REASON = re.compile(r",\s|;|\b(?:because|since|as|so|which|when|if|for)\b", re.IGNORECASE)
_LIST_ITEM = re.compile(r"\s*[0-9]+[.)]\s+[A-Z]")


def canonical(text: str, _: Choices = ()) -> Answer | None:
    """The number that a short text states, units left out; a sum such as `(84 / 2)` is worked out."""
    return _stated(plain_math(text))


def _anchored(anchor: Anchor, _: Choices) -> Answer | None:
    text = plain_math(anchor.span)
    if anchor.rule == "hashes" and _LIST_ITEM.match(text):
        return None
    if conclusive(anchor) and anchor.rule != "hashes":
        return _stated(text)
    return _at_start(text) if _STARTS_WITH_NUMBER.match(text, _start(text)) else _spelled_out(text)


def _start(text: str) -> int:
    """Where a text begins, wrapping and words such as "exactly" left aside."""
    before = _BEFORE.match(text)
    return before.end() if before else 0


def _stated(text: str) -> Answer | None:
    """The number with which a text begins, or else the one that its first sentence comes down to."""
    if _STARTS_WITH_NUMBER.match(text, _start(text)):
        return _at_start(text)
    if _UNDECIDED.match(text):
        return None
    sentence = first_sentence(text)
    return _spelled_out(text) or (_result(sentence) if "=" in sentence else _first(sentence))


def _at_start(text: str) -> Answer | None:
    """The number, the sum or the result of the equation with which a text begins."""
    start = _start(text)
    first = next(find_numbers(text), None)
    total = leading_sum(text, start)
    clause = _REASON.split(first_sentence(text))[0]
    if "=" in clause:
        return _result(clause)
    if first is None or (total and total[1] > first.end + _closing(text, first.end)):
        return _exact(total[0]) if total else None
    return None if _OPERATOR.match(text, first.end) else _decided(text, first)


def _closing(text: str, end: int) -> int:
    """The length of the brackets and blanks behind a number."""
    return len(text[end:]) - len(text[end:].lstrip(" \t)"))


def _first(sentence: str) -> Answer | None:
    """The first number of a sentence, unless it is only part of an expression."""
    found = next(find_numbers(sentence), None)
    return None if found is None or _OPERATOR.match(sentence, found.end) else _decided(sentence, found)


def _decided(text: str, found: Found) -> Answer | None:
    """The number, unless the text goes on to name another beside it."""
    if _CLOCK.match(text, found.end) or _OR_ANOTHER.match(text, found.end):
        return None
    return _answer(found)


def _result(sentence: str) -> Answer | None:
    """The number behind the last equals sign."""
    _, equals, behind = sentence.rpartition("=")
    return _first(behind) if equals else None


def _spelled_out(text: str) -> Answer | None:
    value = leading_words(text, _start(text))
    return None if value is None else Answer(str(value))


def _exact(value: Fraction) -> Answer | None:
    number = parse_number(str(value))
    return number.text if number else None


def _answer(found: Found) -> Answer | None:
    return found.number.text if found.number else None


def _fallback(text: str, _: Choices) -> Extraction | None:
    """The last number; in the last sentence with numbers, the last computed result goes first."""
    text = plain_math(text)
    numbers: list[Found] = []
    for sentence in reversed(sentences(text)):
        if numbers := list(find_numbers(sentence)):
            break
    results = [_first(behind) for behind in text.split("=")[1:]]
    stated = [_answer(found) for found in numbers]
    if results and results[-1] in stated:
        return extraction(results[-1], "last-result")
    return extraction(stated[-1] if stated else None, "last-number")


def _same(one: Answer, other: Answer, _: Choices) -> Verdict:
    left, right = parse_number(one), parse_number(other)
    return Verdict(correct=left is not None and right is not None and same_number(left, right), method="number")


NUMBER = Reader(canonical=canonical, anchored=_anchored, fallback=_fallback, same=_same)
