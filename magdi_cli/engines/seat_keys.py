"""What may follow the `?` of a seat, or stand in its `[[seat]]` table, and how each value is read."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import category

from magdi_cli.engines.prices import Price

Kind = Literal["simulated", "local", "api"]

TOKENS_PRICED = 1_000_000
"""Prices are said in dollars per so many tokens."""
NOT_TEXT = ("Cc", "Cs")
"""Unicode's control characters and lone surrogates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One setting of a seat."""

    read: Callable[[str], Any]
    """Its value; a `ValueError` says what a bad one `must` be."""
    text: bool = False
    """Whether TOML writes it in quotes; a number otherwise."""
    table: bool = False
    """Whether TOML may write it as {input = IN, output = OUT}, too."""


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return value

    return read


def _tokens(text: str) -> int:
    if not float(text).is_integer():
        raise ValueError("must be a whole number")
    if float(text) < 1:
        raise ValueError("must be at least 1")
    return int(float(text))


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return text


def _persona(text: str) -> str:
    persona = text.strip()
    if not persona:
        raise ValueError("must say who the seat should be")
    if any(category(character) in NOT_TEXT and character not in "\n\t" for character in persona):
        raise ValueError("must be text without control characters")
    return persona


def _price(text: str) -> Price:
    try:
        prompt, completion = (float(part) / TOKENS_PRICED for part in text.split(":"))
    except ValueError:
        prompt = completion = math.nan
    if not (0 <= prompt < math.inf and 0 <= completion < math.inf):
        raise ValueError("must be IN:OUT, dollars per million tokens, such as 2.5:10")
    return Price(prompt=prompt, completion=completion)


SHARED_KEYS: Mapping[str, Key] = {
    "temperature": Key(read=_number(0.0, 2.0)),
    "top_p": Key(read=_number(0.01, 1.0)),
    "max_tokens": Key(read=_tokens),
    "persona": Key(read=_persona, text=True),
    "price": Key(read=_price, text=True, table=True),
}
BEHAVIOUR_KEYS: Mapping[str, Key] = {
    name: Key(read=_number(0.0, 1.0)) for name in ("accuracy", "conformity", "failure")
}
SEAT_KEYS: Mapping[Kind, Mapping[str, Key]] = {
    "simulated": {**SHARED_KEYS, **BEHAVIOUR_KEYS},
    "local": SHARED_KEYS,
    "api": {**SHARED_KEYS, "api_base": Key(read=_address, text=True)},
}
"""The settings that each kind of seat takes."""


def fault(error: ValueError) -> str:
    """What is wrong with a value, to be said after it."""
    message = str(error)
    return message if message.startswith("must") else "is not a number"


def as_fields(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as fields of a `Teacher`: what is planted in a simulated one goes together."""
    behaviour = {key: value for key, value in settings.items() if key in BEHAVIOUR_KEYS}
    own = {key: value for key, value in settings.items() if key not in BEHAVIOUR_KEYS}
    return own | ({"behaviour": behaviour} if behaviour else {})
