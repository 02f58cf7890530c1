"""Text of others on its way to a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.cli.harmless import harmless, harmless_document


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[2J\x1b[1;31mred", "␛[2J␛[1;31mred"),
        ("right\rwrong", "right␍wrong"),
        ("nul\x00", "nul␀"),
        ("\x9b31m", "<U+009B>31m"),
        ("\x7f", "␡"),
        ("\u202egnorw", "<U+202E>gnorw"),
        ("\u2066x\u2069\ufeff", "<U+2066>x<U+2069><U+FEFF>"),
        ("a\r\nb\u2028c\td", "a\nb\nc    d"),
        ("\U0001f469\u200d\U0001f4bb é 中 \\frac{1}{2} [bold]", "\U0001f469\u200d\U0001f4bb é 中 \\frac{1}{2} [bold]"),
    ],
)
def test_controls_become_visible_and_words_stay(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    left = {c for c in harmless(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs")}
    assert left <= {"\n", "\u200c", "\u200d"}


def test_every_string_of_a_document_is_made_harmless() -> None:
    assert harmless_document({"a\x00": ["\x1b", 1, None, {"b": "\r"}]}) == {"a␀": ["␛", 1, None, {"b": "␍"}]}
