"""Keys stay in the environment: whatever is written or shown passes through here first."""

import os
import re

SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
SHORTEST = 8
"""Characters below which a value is no secret but a word such as `true`."""


def without_secrets(text: str) -> str:
    """The text with the value of every secret in the environment blotted out by its name."""
    secrets = [(value, name) for name, value in os.environ.items() if len(value) >= SHORTEST and value in text]
    # the longest first: one value may be the beginning of another
    for value, name in sorted(secrets, key=lambda secret: len(secret[0]), reverse=True):
        if SECRET_NAMES.search(name):
            text = text.replace(value, f"[{name}]")
    return text
