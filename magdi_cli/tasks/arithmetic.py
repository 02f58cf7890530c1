"""Generated word problems of one or two steps: the task that needs no data and that a small student can learn.

Problem `i` of a split depends on nothing but the split and `i`. A question belongs to the split that
its hash falls into, so no question stands in two splits.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.seeds import seed_for

SIZES: Mapping[str, int] = MappingProxyType({"train": 1000, "validation": 200, "test": 200})
"""Problems a split has."""
_SHARES: Mapping[str, range] = MappingProxyType({"train": range(8), "validation": range(8, 9), "test": range(9, 10)})
"""Tenths of all questions that belong to a split."""
SERIES = 1
"""Names this set of problems; another number draws another set; in this one no question occurs twice."""
LARGEST = 40
"""No number in a question or on the way to its answer is larger."""

_SHE = MappingProxyType({"She": "She", "her": "her"})
_HE = MappingProxyType({"She": "He", "her": "him"})
WOMEN = ("Mia", "Anna", "Lucy", "Sara", "Emma", "Nina", "Ella", "Ruth")
MEN = ("Tom", "Ben", "Max", "Leo", "Sam", "Jack", "Paul", "Eric")
FRUITS = ("apples", "pears", "plums", "cookies", "flowers")
TOYS = ("pens", "books", "cards", "shells", "coins", "stamps", "marbles", "stickers", "balloons", "beads")
HOLDERS = ("bags", "boxes", "baskets", "jars")


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One step of a story: what is told, and what it does to the number so far."""

    told: str
    operation: str
    by: str
    """The slot that holds the number on the right of the operation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """A kind of problem: where it starts, its one or two moves, and the question at the end."""

    opening: str
    """States the number in slot `a`."""
    moves: tuple[Move, ...]
    asked: str


_HAS = "{name} has {a} {things}."
_PICKS = "{name} picks {a} {things}."
_SHOP = "There are {a} {things} in a shop."
_FRIEND_HAS = "{friend} has {a} {things}."
_HOLDERS = "{name} has {a} {holders}."

_BUYS = Move(told="{She} buys {b} more.", operation="+", by="b")
_GETS = Move(told="{friend} gives {her} {b} more.", operation="+", by="b")
_FINDS = Move(told="{She} finds {b} more.", operation="+", by="b")
_LOSES = Move(told="{She} loses {b}.", operation="-", by="b")
_GIVES = Move(told="{She} gives {b} to {friend}.", operation="-", by="b")
_IS_SOLD = Move(told="{name} buys {b}.", operation="-", by="b")
_EACH = Move(told="Each holds {b} {things}.", operation="*", by="b")
_MORE = Move(told="{name} has {b} more than {friend}.", operation="+", by="b")
_FEWER = Move(told="{name} has {b} fewer than {friend}.", operation="-", by="b")

_THEN_BUYS = Move(told="{She} buys {c} more.", operation="+", by="c")
_THEN_FINDS = Move(told="{She} finds {c} more.", operation="+", by="c")
_THEN_LOSES = Move(told="{She} loses {c}.", operation="-", by="c")
_THEN_GIVES = Move(told="{She} gives {c} to {friend}.", operation="-", by="c")
_THEN_IS_SOLD = Move(told="{friend} buys {c}.", operation="-", by="c")
_THEN_EACH = Move(told="Each holds {c} {things}.", operation="*", by="c")
_WITH_FRIEND = Move(told="", operation="+", by="a")

_NOW = "How many {things} does {name} have now?"
_HOW_MANY = "How many {things} does {name} have?"
_LEFT = "How many {things} are left in the shop?"
_TOGETHER = "How many {things} do they have together?"

STORIES = (
    Story(opening=_HAS, moves=(_BUYS,), asked=_NOW),
    Story(opening=_HAS, moves=(_GETS,), asked=_NOW),
    Story(opening=_PICKS, moves=(_FINDS,), asked=_HOW_MANY),
    Story(opening=_HAS, moves=(_LOSES,), asked=_NOW),
    Story(opening=_SHOP, moves=(_IS_SOLD,), asked=_LEFT),
    Story(opening=_HAS, moves=(_GIVES,), asked=_NOW),
    Story(opening=_HOLDERS, moves=(_EACH,), asked=_HOW_MANY),
    Story(opening=_FRIEND_HAS, moves=(_MORE,), asked=_HOW_MANY),
    Story(opening=_FRIEND_HAS, moves=(_FEWER,), asked=_HOW_MANY),
    Story(opening=_HAS, moves=(_BUYS, _THEN_GIVES), asked=_NOW),
    Story(opening=_HAS, moves=(_GETS, _THEN_LOSES), asked=_NOW),
    Story(opening=_PICKS, moves=(_FINDS, _THEN_GIVES), asked=_NOW),
    Story(opening=_HAS, moves=(_LOSES, _THEN_BUYS), asked=_NOW),
    Story(opening=_SHOP, moves=(_IS_SOLD, _THEN_IS_SOLD), asked=_LEFT),
    Story(opening=_HAS, moves=(_GIVES, _THEN_FINDS), asked=_NOW),
    Story(opening=_HOLDERS, moves=(_EACH, _THEN_GIVES), asked=_NOW),
    Story(opening=_HOLDERS, moves=(_EACH, _THEN_BUYS), asked=_NOW),
    Story(opening=_FRIEND_HAS, moves=(_MORE, _WITH_FRIEND), asked=_TOGETHER),
    Story(opening=_HOLDERS, moves=(_BUYS, _THEN_EACH), asked=_HOW_MANY),
)


def problems(split: str) -> Iterator[Problem]:
    """The problems of a split, in order."""
    if split not in SIZES:
        raise DataProblem(f"arithmetic has no split {split!r}; it has {', '.join(SIZES)}")
    return (_problem(split, index) for index in range(SIZES[split]))


def _problem(split: str, index: int) -> Problem:
    rng = random.Random(seed_for(SERIES, "arithmetic", split, index))
    while True:
        story = rng.choice(STORIES)
        words = _words(rng)
        numbers = _numbers(story, rng)
        slots = {**words, **numbers}
        sentences = [story.opening, *(move.told for move in story.moves), story.asked]
        question = " ".join(sentence.format(**slots) for sentence in sentences if sentence)
        if _share(question) in _SHARES[split]:
            return _made(f"arithmetic-{split}-{index}", question, _steps(story, numbers, slots))


def _steps(story: Story, numbers: Mapping[str, int], slots: Mapping[str, object]) -> list[dict[str, Any]]:
    """The steps, each from where the last one ended; the opening is repeated only where there is one step."""
    opening = story.opening if len(story.moves) == 1 else ""
    return [
        {
            "left": left,
            "op": move.operation,
            "right": numbers[move.by],
            "text": _text(f"{opening} {move.told}".strip().format(**slots), move.operation),
        }
        for move, left in zip(story.moves, _path(story, numbers), strict=False)
    ]


def _text(told: str, operation: str) -> str:
    """What is said in a step, with room for its numbers."""
    return f"{told} {{left}} {operation} {{right}} = {{result}}.".strip()


def _words(rng: random.Random) -> dict[str, str]:
    name, friend = rng.sample(WOMEN + MEN, 2)
    pronouns = _SHE if name in WOMEN else _HE
    return {
        "name": name,
        "friend": friend,
        "things": rng.choice(FRUITS + TOYS),
        "holders": rng.choice(HOLDERS),
        **pronouns,
    }


def _numbers(story: Story, rng: random.Random) -> dict[str, int]:
    """Numbers with which a story stays in range, and in which no step has the same number on both sides."""
    while True:
        numbers = {slot: rng.randint(2, LARGEST) for slot in "abc"}
        path = _path(story, numbers)
        rights = [numbers[move.by] for move in story.moves]
        if all(0 < result <= LARGEST for result in path) and all(
            left != right for left, right in zip(path, rights, strict=False)
        ):
            return numbers


def _path(story: Story, numbers: Mapping[str, int]) -> list[int]:
    """The number a story starts from and what each move makes of it."""
    path = [numbers["a"]]
    for move in story.moves:
        path.append(outcome(path[-1], move.operation, numbers[move.by]))
    return path


def outcome(left: int, operation: str, right: int) -> int:
    """What one step comes to."""
    return {"+": left + right, "-": left - right, "*": left * right}[operation]


def _share(question: str) -> int:
    return hashlib.sha256(question.encode()).digest()[0] * 10 // 256


def _made(name: str, question: str, steps: list[dict[str, Any]]) -> Problem:
    """The problem with its rationale, and with steps that can be told again with a slip in one of them.

    In `meta["steps"]`, `left` of every step but the first is the result of the step before, and
    `text.format(left=..., right=..., result=...)` tells the step.
    """
    results = [outcome(step["left"], step["op"], step["right"]) for step in steps]
    told = [step["text"].format(**step, result=result) for step, result in zip(steps, results, strict=True)]
    return Problem(
        id=name,
        task="arithmetic",
        question=question,
        gold=Answer(str(results[-1])),
        meta={"rationale": " ".join(told), "steps": steps},
    )
