"""Options found by their text: the whole of it, at the start of a text, or somewhere in it."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.normalise import key

Choices = Sequence[str]


def letter(index: int) -> Answer:
    """The letter of the option at that place."""
    return Answer(chr(ord("A") + index))


def whole(text: str, choices: Choices) -> Answer | None:
    """The option whose text this is; a single character counts only if it is a digit."""
    spelled = _speller(choices)
    wanted = spelled(text)
    if len(wanted) == 1 and not wanted.isdigit():
        return None
    return next((letter(i) for i, choice in enumerate(choices) if spelled(choice) == wanted), None)


def leading(text: str, choices: Choices) -> Answer | None:
    """The longest option with which a text begins."""
    spelled = _speller(choices)
    begins = spelled(text)
    fitting = [
        (len(spelled(choice)), -i)
        for i, choice in enumerate(choices)
        if spelled(choice) and re.match(re.escape(spelled(choice)) + r"(?!\w)", begins)
    ]
    return letter(-max(fitting)[1]) if fitting else None


def contained(text: str, choices: Choices) -> Answer | None:
    """The only option mentioned in a text; a mention inside a longer option's does not count."""
    spelled = _speller(choices)
    rest = f" {spelled(text)} "
    found: set[str] = set()
    for choice in sorted({spelled(choice) for choice in choices}, key=len, reverse=True):
        if len(choice) > 1 or choice.isdigit():
            rest, mentions = re.subn(rf"(?<!\w){re.escape(choice)}(?!\w)", " | ", rest)
            found |= {choice} if mentions else set()
    return whole(found.pop(), choices) if len(found) == 1 else None


def alike(one: Answer, other: Answer, choices: Choices) -> bool:
    """Whether two letters stand for options with the same text, as happens in CommonsenseQA."""
    spelled = _speller(choices)
    texts = [spelled(choices[ord(name) - ord("A")]) for name in (one, other)]
    return texts[0] == texts[1]


def _speller(choices: Choices) -> Callable[[str], str]:
    """The form in which texts are compared: `RR` and `Rr` differ where both are options."""
    cased = len({key(choice) for choice in choices}) < len({key(choice, cased=True) for choice in choices})
    return partial(key, cased=cased)
