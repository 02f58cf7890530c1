"""Numbers written in words: `five`, `twenty-one`, `two hundred and four`."""

import re
from collections.abc import Mapping
from types import MappingProxyType

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve "
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL: Mapping[str, int] = MappingProxyType(
    {word: value for value, word in enumerate(_SMALL.split())}
    | {word: 10 * tens for tens, word in enumerate(_TENS.split(), start=2)}
)
LARGE: Mapping[str, int] = MappingProxyType({"thousand": 10**3, "million": 10**6, "billion": 10**9})

LONGEST_WORDS = 100
"""Characters; what is longer is a recitation."""

_WORD = "|".join(sorted([*SMALL, "hundred", *LARGE], key=len, reverse=True))
_WORDS = re.compile(rf"(?:{'|'.join(SMALL)})\b(?:(?:[\s-]|\s+and\s+)(?:{_WORD})\b)*", re.IGNORECASE)

_BELOW_TEN = "(?:one|two|three|four|five|six|seven|eight|nine)\\b"
_BELOW_TWENTY = "|".join(sorted(_SMALL.split(), key=len, reverse=True))
_BELOW_HUNDRED = rf"(?:(?:{_TENS.replace(' ', '|')})(?:[\s-]{_BELOW_TEN})?|{_BELOW_TWENTY})"
_BELOW_THOUSAND = rf"{_BELOW_HUNDRED}(?:\s+hundred(?:\s+(?:and\s+)?{_BELOW_HUNDRED})?)?"
_SPELLED = re.compile(
    rf"\b{_BELOW_THOUSAND}(?:\s+(?:{'|'.join(LARGE)})(?:\s+(?:and\s+)?{_BELOW_THOUSAND})?)?\b", re.IGNORECASE
)


def in_digits(text: str) -> str:
    """The text with its spelled numbers in digits; of a recitation such as `one two three` each one by itself."""
    return _SPELLED.sub(lambda spelled: str(leading_words(spelled[0])), text)


def leading_words(text: str, start: int = 0) -> int | None:
    """The number whose words stand at `start`; None where there are none."""
    match = _WORDS.match(text, start)
    if match is None or match.end() - start > LONGEST_WORDS:
        return None
    total = part = 0
    for word in re.findall(_WORD, match[0].lower()):
        if word in LARGE:
            total, part = total + part * LARGE[word], 0
        else:
            part = part * 100 if word == "hundred" else part + SMALL[word]
    return total + part
