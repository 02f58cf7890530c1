"""What reading and comparing answers yields, and what each kind of answer must be able to do."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.anchors import Anchor

Choices = Sequence[str]

_SENTENCE_END = re.compile(r"[.!?](?=\s|\Z)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Extraction:
    """An answer read from a reply."""

    answer: Answer
    rule: str
    """Which rule found it: an anchor (`boxed`, `answer-is`, ...) or a fallback (`last-number`, ...)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether two answers are equal."""

    correct: bool
    method: str
    """What decided: `exact`, `number`, `option`, `yes-no`, `notation`, `words`, `latex`, `no-answer`, ..."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """How answers of one kind are read and compared."""

    canonical: Callable[[str, Choices], Answer | None]
    """A short answer text in canonical form; None where it is not an answer of this kind."""
    anchored: Callable[[Anchor, Choices], Answer | None]
    """The answer that an anchor announces."""
    fallback: Callable[[str, Choices], Extraction | None]
    """The answer of a reply without anchors."""
    same: Callable[[Answer, Answer, Choices], Verdict]
    """Whether two different texts are the same answer."""


def first_sentence(text: str) -> str:
    """The text up to its first full stop; a point inside a number is none."""
    end = _SENTENCE_END.search(text)
    return text[: end.start()] if end else text


def sentences(text: str) -> list[str]:
    """The non-blank sentences of a text; a line break ends one too."""
    return [part.strip() for line in text.splitlines() for part in _SENTENCE_END.split(line) if part.strip()]


def conclusive(anchor: Anchor) -> bool:
    """Whether the sentence behind an anchor is its answer; behind `Answer:` a whole reasoning may stand."""
    return anchor.rule in ("boxed", "answer-is", "option-is") or (anchor.last and len(sentences(anchor.span)) == 1)


def extraction(answer: Answer | None, rule: str) -> Extraction | None:
    """The answer with the rule that found it; None where none was found."""
    return None if answer is None else Extraction(answer=answer, rule=rule)
