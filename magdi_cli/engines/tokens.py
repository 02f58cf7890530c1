"""How many tokens a text has, estimated on this machine."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

ENCODING = "cl100k_base"
SHIPPED = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""What tiktoken calls that encoding's file, in the folder where litellm ships it."""
BYTES_PER_TOKEN = 3
"""Fewer than the texts of a debate have, so that counting without the file errs on the dear side."""


def count_tokens(text: str) -> int:
    """An estimate of a text's tokens; every provider counts with a tokenizer of its own."""
    encoding = _encoding()
    if encoding is None:
        return -(-len(text.encode(errors="replace")) // BYTES_PER_TOKEN)
    return len(encoding.encode(text, disallowed_special=()))


@cache
def _encoding() -> "Encoding | None":
    folder = _shipped_folder()
    if folder is None or not (folder / SHIPPED).is_file():
        return None
    import tiktoken

    with _tiktoken_reads(folder):
        return tiktoken.get_encoding(ENCODING)


def _shipped_folder() -> Path | None:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"


@contextmanager
def _tiktoken_reads(folder: Path) -> Iterator[None]:
    # anywhere else it would look for the file on the network
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["TIKTOKEN_CACHE_DIR"]
        if before is not None:
            os.environ["TIKTOKEN_CACHE_DIR"] = before
