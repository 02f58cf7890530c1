"""A teacher's reply, read: reasoning, answer, confidence; what cannot be read is None."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.secrets import without_secrets
from magdi_cli.tasks.answers import canonical, extract
from magdi_cli.tasks.normalise import without_thoughts
from magdi_cli.tasks.prompts import answer_format

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "reasoning": "reasoning",
        "answer": "answer",
        "finalanswer": "answer",
        "confidencelevel": "confidence",
        "confidence": "confidence",
    }
)
"""What models call the fields they are asked for, their letters alone and in lower case."""

MOST_BROKEN = 100
"""Objects that cannot be decoded after which no further one is tried; each try may read the whole reply."""
LONGEST_MENDED = 20_000
"""Characters of a broken object that may still be mended."""
MOST_BRACES = 1_000
"""Braces of a broken object that may still be mended."""
LONGEST_PROSE = 20_000
"""Characters at the end of a reply in which an answer in prose is looked for."""

_PAGE = re.compile(r"\s*<(?:!doctype html|html|\?xml)\b", re.IGNORECASE)
_MARK = re.compile(r"<(?P<closing>/?)think(?:ing)?>|\{(?=\s*[\"}])", re.IGNORECASE)
_KEY = r"(?:reasoning|(?:final[ _]?)?answer)"
_BEGUN_OBJECT = re.compile(rf"\{{\s*['\"]?{_KEY}\b['\"]?\s*:|['\"]{_KEY}['\"]\s*:", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadReply:
    """What a reply says."""

    text: str
    answer: Answer | None
    confidence: float | None


def read_reply(text: str, problem: Problem) -> ReadReply:
    """The parts of a reply: its first JSON object with a readable answer, else the answer its prose states.

    Objects inside a thought do not count. A reply that began the object and never named an answer has
    none: a number in its reasoning is not one; nor is one in the page of a broken server.
    """
    text = _storable(text).strip()
    if _PAGE.match(text):
        return ReadReply(text=text, answer=None, confidence=None)
    objects = _objects(text) or _mended(text)
    if not objects:
        return ReadReply(text=text, answer=_answer_in_prose(text, problem), confidence=None)
    answers = [_answer(fields["answer"], problem) for fields in objects]
    chosen = next((place for place, answer in enumerate(answers) if answer is not None), 0)
    return ReadReply(
        text=_reasoning(objects[chosen].get("reasoning")) or text,
        answer=answers[chosen],
        confidence=read_confidence(objects[chosen].get("confidence")),
    )


def read_confidence(value: object) -> float | None:
    """A confidence between 0 and 1: 0.8, "0.8", 80, "80%" are all 0.8; words, NaN and the like are None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    percent = isinstance(value, str) and value.strip().endswith("%")
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    if percent or 1.0 < number <= 100.0:
        number /= 100.0
    return number if math.isfinite(number) and 0.0 <= number <= 1.0 else None


def _objects(text: str) -> list[dict[str, Any]]:
    """The fields of every JSON object outside a thought that names an answer; a thought may lack either tag."""
    decoder = json.JSONDecoder(strict=False)  # models put raw newlines into strings
    found: list[dict[str, Any]] = []
    thinking, broken = False, 0
    mark = _MARK.search(text)
    while mark and broken < MOST_BROKEN:
        end = mark.end()
        if mark["closing"] is not None:
            if mark["closing"] and not thinking:
                found.clear()  # the prompt opened this thought
            thinking = not mark["closing"]
        elif not thinking:
            try:
                value, end = decoder.raw_decode(text, mark.start())
                found += _fields(value)
            except (ValueError, RecursionError):
                broken += 1
        mark = _MARK.search(text, end)
    return found


def _fields(value: object) -> list[dict[str, Any]]:
    """The fields of an object that names an answer, or of the only object inside it; nothing for any other."""
    while isinstance(value, dict):
        fields: dict[str, Any] = {}
        for key, field in value.items():
            if name := FIELDS.get(re.sub(r"[\W_]", "", key).lower()):
                fields.setdefault(name, field)
        if "answer" in fields:
            return [fields]
        inner = [field for field in value.values() if isinstance(field, dict)]
        value = inner[0] if len(inner) == 1 and "reasoning" not in fields else None
    return []


def _mended(text: str) -> list[dict[str, Any]]:
    """The last resort: a broken object mended, if it then names an answer."""
    shown = without_thoughts(text)
    begun = _BEGUN_OBJECT.search(shown)
    if begun is None or len(shown) - begun.start() > LONGEST_MENDED or shown.count("{") > MOST_BRACES:
        return []
    from json_repair import repair_json

    try:
        value = repair_json("{" + shown[begun.start() :].removeprefix("{"), return_objects=True)
    except (ValueError, RecursionError):
        return []
    return [fields for part in (value if isinstance(value, list) else [value]) for fields in _fields(part)]


def _answer_in_prose(text: str, problem: Problem) -> Answer | None:
    shown = without_thoughts(text)
    found = None if _BEGUN_OBJECT.search(shown) else extract(shown[-LONGEST_PROSE:], problem)
    return found.answer if found else None


def _reasoning(value: object) -> str:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        value = " ".join(str(part).strip() for part in value)
    return _storable(value).strip() if isinstance(value, str) else ""


def _answer(value: object, problem: Problem) -> Answer | None:
    """The answer in a field; what was to stand in it, said again, is none."""
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        value = "yes" if value else "no"
    stated = _storable(str(value)).strip()
    return None if stated == answer_format(problem) else canonical(stated, problem)


def _storable(text: str) -> str:
    """The text without what a JSON escape can smuggle in: secrets, and halves of surrogate pairs that no file holds."""
    return without_secrets(text.encode("utf-8", "replace").decode("utf-8"))
