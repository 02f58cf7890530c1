"""Tokens are estimated by a tokenizer that is there already, without network."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.engines.tokens import count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
    ],
)
def test_counts_are_those_of_the_published_encoding(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_words_that_look_like_special_tokens_are_counted_as_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


@given(st.text(alphabet=st.characters(), max_size=60))
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    assert count_tokens(text) <= len(text.encode(errors="surrogatepass"))


def counted_elsewhere(setup: str, folder: Path) -> list[str]:
    program = (
        "import importlib.util, os, sys; from magdi_cli.engines import tokens\n"
        f"{setup}\n"
        "print(tokens.count_tokens('four ßs'), 'litellm' in sys.modules, os.environ.get('TIKTOKEN_CACHE_DIR'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.split()


def test_counting_imports_no_litellm_and_leaves_the_environment_as_it_was(tmp_path: Path) -> None:
    assert counted_elsewhere("os.environ['TIKTOKEN_CACHE_DIR'] = 'mine'", tmp_path) == ["4", "False", "mine"]
    assert counted_elsewhere("os.environ.pop('TIKTOKEN_CACHE_DIR', None)", tmp_path) == ["4", "False", "None"]
    assert list(tmp_path.iterdir()) == []


def test_without_the_encodings_file_a_token_is_three_bytes(tmp_path: Path) -> None:
    assert counted_elsewhere("tokens.SHIPPED = 'gone'", tmp_path)[0] == "3"
