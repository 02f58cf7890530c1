"""A row of a problem file turned into a problem, or told what is wrong with it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.answers import READERS
from magdi_cli.tasks.catalog import Kind, kind_for
from magdi_cli.tasks.normalise import normalise

QUESTION_KEYS = ("question",)
CHOICES_KEYS = ("choices", "options")
GOLD_KEYS = ("gold", "answer")
MOST_CHOICES = 26
"""Letters there are to name them."""

UNREADABLE_GOLD: Mapping[Kind, str] = MappingProxyType(
    {
        "number": "answer {gold!r} is not a number",
        "choice": "answer {gold!r} names none of the {n} options",
        "yes-no": "answer {gold!r} is neither yes nor no",
        "latex": "answer {gold!r} is too long",
    }
)


class BadRow(Exception):
    """What is wrong with a row, in words for its author."""


def problem_from(row: Mapping[str, Any], task: str) -> Problem:
    """The problem that a row describes; `task` names its task unless the row does. Raises `BadRow`."""
    choices = _choices(row)
    task = text_of(row.get("task"), "task") or task
    return Problem(
        id=text_of(row.get("id"), "id") or question_id(_required(row, QUESTION_KEYS)),
        task=task,
        question=question_of(row),
        choices=choices,
        gold=_gold(_required(row, GOLD_KEYS), task, choices),
        meta=_meta(row),
    )


def question_of(row: Mapping[str, Any]) -> str:
    """What a row asks, the passage it asks about included. Raises `BadRow`."""
    question = _required(row, QUESTION_KEYS)
    context = text_of(row.get("context"), "context")
    return f"{context}\n\n{question}" if context else question


def question_id(question: str) -> str:
    """A name for a question that nobody named: the same whatever its case, spacing and place in a file."""
    plain = " ".join(normalise(question).casefold().split())
    return "q-" + hashlib.sha256(plain.encode()).hexdigest()[:12]


def _required(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    present = [key for key in keys if row.get(key) is not None]
    if not present:
        columns = ", ".join(str(key) for key in list(row)[:8]) or "none"
        raise BadRow(f"no {keys[-1]!r} (columns: {columns})")
    text = text_of(row[present[0]], present[0])
    if not text:
        raise BadRow(f"{present[0]!r} is empty")
    return text


def text_of(value: object, name: str) -> str:
    """A value as clean text; empty for None. Raises `BadRow` with the name of what holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise BadRow(f"{name!r} is a {type(value).__name__}, not a text")
    text = str(value).strip()
    if "\0" in text:
        raise BadRow(f"{name!r} holds a NUL character")
    return whole(text, name)


def whole(text: str, name: str) -> str:
    """The text itself; `BadRow` with the name of what holds it where it holds half of a surrogate pair."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadRow(f"{name!r} holds half of a surrogate pair")
    return text


def _choices(row: Mapping[str, Any]) -> tuple[str, ...]:
    given = next((row[key] for key in CHOICES_KEYS if row.get(key) not in (None, "")), ())
    if isinstance(given, str):
        given = _split(given)
    if isinstance(given, Mapping):
        given = list(given.values())
    if not isinstance(given, list | tuple):
        raise BadRow(f"'options' is a {type(given).__name__}, not a list")
    choices = tuple(text_of(choice, "options") for choice in given)
    if "" in choices:
        raise BadRow(f"option {choices.index('') + 1} is empty")
    if len(choices) == 1 or len(choices) > MOST_CHOICES:
        raise BadRow(f"{len(choices)} options; between 2 and {MOST_CHOICES} make a choice")
    return choices


def _split(given: str) -> object:
    """Options in one cell of a table: a JSON list, or texts between bars."""
    if given.lstrip().startswith("["):
        try:
            return json.loads(given)
        except ValueError:
            raise BadRow("'options' begins like a JSON list but is none") from None
    return given.split("|")


def _gold(text: str, task: str, choices: tuple[str, ...]) -> Answer:
    """The reference answer in canonical form, by the same reader as every other answer."""
    kind = kind_for(task, choices, text)
    if kind == "choice" and not choices:
        raise BadRow("no 'options', though the answer is to be one of them")
    gold = READERS[kind].canonical(normalise(text).strip(), choices)
    if gold is None:
        raise BadRow(UNREADABLE_GOLD[kind].format(gold=text[:40], n=len(choices)))
    return gold


def _meta(row: Mapping[str, Any]) -> dict[str, Any]:
    meta = row.get("meta") or {}
    if isinstance(meta, str):
        meta = _json_object(meta)
    if not isinstance(meta, Mapping):
        raise BadRow(f"'meta' is a {type(meta).__name__}, not an object")
    rationale = text_of(row.get("rationale"), "rationale")
    return _plain(dict(meta)) | ({"rationale": rationale} if rationale else {})


def _json_object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise BadRow("'meta' is not a JSON object") from None


def _plain(meta: dict[str, Any]) -> dict[str, Any]:
    """The same content in JSON's own types, as it will be read back from disk."""
    stringify: Callable[[object], str] = str
    try:
        text = json.dumps(meta, default=stringify, allow_nan=False, ensure_ascii=False)
        text.encode()
    except ValueError as error:
        raise BadRow(f"'meta' cannot be written as JSON ({error})") from None
    plain: dict[str, Any] = json.loads(text)
    return plain
