"""Keys stay in the environment: whatever is written or shown passes through here first."""

import os
import re
from functools import lru_cache

SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
SHORTEST = 8
"""Characters below which a value is no secret but a word such as `true`."""


def without_secrets(text: str) -> str:
    """The text with the value of every secret in the environment blotted out by its name."""
    secrets = [(os.environ.get(name, ""), name) for name in _secret(tuple(os.environ))]
    # the longest first: one value may be the beginning of another
    for value, name in sorted(secrets, key=lambda secret: len(secret[0]), reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, f"[{name}]")
    return text


@lru_cache(maxsize=1)
def _secret(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that name secrets; found once, as every reply passes through here."""
    return tuple(name for name in names if SECRET_NAMES.search(name))
