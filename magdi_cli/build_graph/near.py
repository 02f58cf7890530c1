"""Questions that are the same, or nearly so.

Two questions are the same when their words, numbers and signs are, whatever their case, punctuation and
articles; `48`, `48.0` and `forty-eight` are one number. They are near when they hold the same numbers and,
of all pairs of neighbouring words in either, four in five are in both (Jaccard similarity, exactly). The
same story told with other numbers is another question: its answer is another one. Two sets that similar
share one of their first few members in any fixed order, so only questions that share one are compared.
"""

import re
from array import array
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import ceil
from typing import Literal
from zlib import crc32

from magdi_cli.tasks.normalise import normalise
from magdi_cli.tasks.number_words import in_digits

SIMILARITY = 0.8
MOST_COMPARED = 50
"""Questions kept for each word pair: in a file where all are built alike and without numbers, finding near ones
stays linear."""

Likeness = Literal["exact", "near"]

_NUMBER = re.compile(r"(?<![0-9.,])(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|(?<![\w.,])\.[0-9]+")
_WORD = re.compile(r"[0-9]+\.[0-9]+|\w+|[-+*/^=<>|\\]")
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_ARTICLES = frozenset({"a", "an", "the"})


@lru_cache(maxsize=1)  # each question is asked for several times in a row
def plain_words(question: str) -> tuple[str, ...]:
    """What of a question is compared."""
    text = _NUMBER.sub(_plainly, in_digits(normalise(question).casefold()))
    return tuple(word for word in _WORD.findall(text) if word not in _ARTICLES)


def _plainly(number: re.Match[str]) -> str:
    """A number without what does not change its value."""
    whole, _, decimals = number[0].replace(",", "").partition(".")
    value, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{value}.{decimals}" if decimals else value


def _numbers(words: Sequence[str]) -> list[str]:
    """The numbers among the words, in whatever order; 1 is none, because `one` is often no number."""
    return sorted(number for word in words for number in _DIGITS.findall(word) if number != "1")


class Questions:
    """Questions seen so far, and which of them are alike."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._pairs: list[array[int]] = []
        self._sharing: dict[int, array[int]] = {}

    def add(self, question: str) -> tuple[int, list[int]]:
        """The number of a question, equal for equal ones, and the numbers of those near it if it is new."""
        name = _name(question)
        if name in self._numbers:
            return self._numbers[name], []
        pairs = _pairs(question)
        near = self._near(pairs)
        number = self._numbers[name] = len(self._pairs)
        self._pairs.append(pairs)
        for pair in _first_of(pairs):
            sharing = self._sharing.setdefault(pair, array("I"))
            if len(sharing) < MOST_COMPARED:
                sharing.append(number)
        return number, near

    def likeness(self, question: str) -> Likeness | None:
        """Whether a question was seen, exactly or nearly; None for a new one."""
        if _name(question) in self._numbers:
            return "exact"
        return "near" if self._near(_pairs(question)) else None

    def __len__(self) -> int:
        return len(self._pairs)

    def _near(self, pairs: "array[int]") -> list[int]:
        others = {number for pair in _first_of(pairs) for number in self._sharing.get(pair, ())}
        mine = set(pairs)
        return [number for number in sorted(others) if _similarity(mine, self._pairs[number]) >= SIMILARITY]


class Groups:
    """Numbers joined into groups."""

    def __init__(self) -> None:
        self._leader: list[int] = []

    def add(self, number: int, near: list[int]) -> None:
        """Take in a number, and join it with others."""
        if number == len(self._leader):
            self._leader.append(number)
        for other in near:
            self._leader[self.leader(other)] = self.leader(number)

    def leader(self, number: int) -> int:
        """The number that stands for a number's whole group."""
        while self._leader[number] != number:
            self._leader[number] = number = self._leader[self._leader[number]]
        return number


def _name(question: str) -> bytes:
    return blake2b(" ".join(plain_words(question)).encode(), digest_size=16).digest()


def _pairs(question: str) -> "array[int]":
    """The pairs of neighbouring words, as sorted checksums that questions with other numbers do not share."""
    words = plain_words(question)
    numbers = crc32(" ".join(_numbers(words)).encode())
    pairs = {crc32(f"{one} {other}".encode(), numbers) for one, other in pairwise(words)}
    return array("I", sorted(pairs or {crc32(" ".join(words).encode(), numbers)}))


def _first_of(pairs: "array[int]") -> "array[int]":
    """So many of the first pairs that a set which shares none of them cannot be similar enough."""
    return pairs[: len(pairs) - ceil(SIMILARITY * len(pairs)) + 1]


def _similarity(one: set[int], other: "array[int]") -> float:
    both = len(one.intersection(other))
    return both / (len(one) + len(other) - both)
