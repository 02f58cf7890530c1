"""Answers that are yes or no."""

import re

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.anchors import Anchor
from magdi_cli.tasks.catalog import YES_NO
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
from magdi_cli.tasks.normalise import key

_DIRECT = re.compile(
    r"[^\w]*(?:\\(?:text|mathrm|textbf|mathbf)\{)?(?:(?:[A-Z]|[0-9]{1,2})[).:]\s*)?"
    r"(?:(?:most )?(?:likely|probably|definitely),? )?"
    r"(?P<word>yes|no|true|false|not true|not false)\b(?!\s*(?:or|/)\s*(?:yes|no|true|false)\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<!\bor )\b(?:not )?(?:yes|true|false|no)\b", re.IGNORECASE)
_LETTER = re.compile(r"\W*([AB])\W*")
_ALONE = re.compile(r"\s*(?:[.,;:!*\"')\]}]|-\s|\Z)")
_UNDECIDED = re.compile(r"\b(?:neither|either|both|depends|depending)\b", re.IGNORECASE)
_CONCLUDING = re.compile(
    r"\b(?:so|thus|therefore|hence|conclusion)[,:*]*\s+[*]*(yes|no)\b[\s*]*(?=[.,;:!]|\Z)", re.IGNORECASE
)


def _word(word: str) -> Answer:
    negated = word.lower().startswith("not ")
    truth = YES_NO[word.lower().removeprefix("not ")]
    return Answer({"yes": "no", "no": "yes"}[truth] if negated else truth)


def _canonical(text: str, choices: Choices) -> Answer | None:
    whole = YES_NO.get(key(text)) or _lettered(text, choices)
    return Answer(whole) if whole else _direct(text)


def _lettered(text: str, choices: Choices) -> str | None:
    """`B` where the problem came with options such as True and False."""
    place = _LETTER.fullmatch(text)
    return YES_NO.get(key(choices["AB".index(place[1])])) if place and len(choices) == 2 else None


def _direct(text: str) -> Answer | None:
    """The word with which a text begins; `no` before a noun is not an answer."""
    match = _DIRECT.match(text)
    if match is None or (match["word"].lower() == "no" and not _ALONE.match(text, match.end())):
        return _no_because(text) if match else None
    return _word(match["word"])


def _no_because(text: str) -> Answer | None:
    return Answer("no") if re.match(r"\W*no (?:because|since|as|it|they|he|she|the)\b", text, re.IGNORECASE) else None


def _decided(text: str) -> Answer | None:
    """The answer of a text whose stand-alone words all say the same; None where they differ."""
    if _UNDECIDED.search(text):
        return None
    said = {_word(match[0]) for match in _WORD.finditer(text) if _ALONE.match(text, match.end())}
    return said.pop() if len(said) == 1 else None


def _anchored(anchor: Anchor, choices: Choices) -> Answer | None:
    if direct := _canonical(anchor.span, choices):
        return direct
    return _decided(first_sentence(anchor.span)) if conclusive(anchor) else None


def _fallback(text: str, choices: Choices) -> Extraction | None:
    if leading := _lettered(text, choices) or _direct(text):
        return extraction(Answer(leading), "leading-word")
    if concluding := _CONCLUDING.findall(text):
        return extraction(_word(concluding[-1]), "conclusion")
    last = sentences(text)[-1:]
    if closing := _direct(last[0]) if last else None:
        return extraction(closing, "closing-word")
    return extraction(_decided(text), "only-word")


def _same(one: Answer, other: Answer, _: Choices) -> Verdict:
    left, right = YES_NO.get(key(one)), YES_NO.get(key(other))
    return Verdict(correct=left is not None and left == right, method="yes-no")


YES_NO_READER = Reader(canonical=_canonical, anchored=_anchored, fallback=_fallback, same=_same)
