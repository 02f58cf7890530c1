"""Models that think aloud before they reply: the tags around a thought, and how far thoughts reach."""

import re

THOUGHT_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
"""Where a thought begins or, with the slash in group 1, ends."""
OPENED_THOUGHT = re.compile(r"<think(?:ing)?>\s*\Z", re.IGNORECASE)
"""The end of a prompt that has the model begin with a thought."""


def end_of_thoughts(text: str) -> int:
    """Characters of a reply up to the end of its last thought: none without thoughts, all if that one never ends."""
    tags = list(THOUGHT_TAG.finditer(text))
    if not tags:
        return 0
    return tags[-1].end() if tags[-1][1] else len(text)
