"""A teacher's reply, read: reasoning, answer, confidence; what cannot be read is None."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.answers import canonical, extract

_BEGUN_OBJECT = re.compile(r"\{\s*['\"]?reasoning\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadReply:
    """What a reply says."""

    text: str
    answer: Answer | None
    confidence: float | None


def read_reply(text: str, problem: Problem) -> ReadReply:
    """The parts of a reply: its first JSON object that names an answer, else the answer its prose states.

    A reply that began the object and never named an answer has none: a number in its reasoning is not one.
    """
    fields = next(_objects_with_answer(text), None) or _repaired(text)
    if fields is None:
        found = None if _BEGUN_OBJECT.search(text) else extract(text, problem)
        return ReadReply(text=text.strip(), answer=found.answer if found else None, confidence=None)
    return ReadReply(
        text=_reasoning(fields.get("reasoning")) or text.strip(),
        answer=_answer(fields["answer"], problem),
        confidence=read_confidence(fields.get("confidence_level")),
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


def _objects_with_answer(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)  # models put raw newlines into strings
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            if isinstance(value, dict) and "answer" in value:
                yield value
        position = text.find("{", end)


def _repaired(text: str) -> dict[str, Any] | None:
    """The last resort: a broken object mended, if it then names an answer."""
    start = text.find("{")
    if start < 0 or "answer" not in text[start:]:
        return None
    from json_repair import repair_json

    value = repair_json(text[start:], return_objects=True)
    values = value if isinstance(value, list) else [value]
    return next((v for v in values if isinstance(v, dict) and "answer" in v), None)


def _reasoning(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(part).strip() for part in value)
    return value.strip() if isinstance(value, str) else ""


def _answer(value: object, problem: Problem) -> Answer | None:
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return canonical(str(value), problem)
