"""How many completions share one copy of their prompt: as many as make a step cheapest."""

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from magdi_cli.distill.encoding.rows import Row, Text, Tokens, length

PromptSharing = Literal["auto", "always", "never"]

WIDTH_COST = 5e-4
"""How much dearer a token gets with each token beside it in its row, relative to what it costs alone.

A masked row pays for every pair of its tokens, also for those that do not see each other. Measured on
SmolLM2-135M on two cores, 4e-4 to 7e-4 in rows of 140 to 990 tokens; a larger model pays relatively less.
"""


def rows_of(texts: Sequence[Text], *, sharing: PromptSharing, widest: int) -> list[Row]:
    """The texts as rows, shortest first: those with one prompt share copies of it as far as that is cheaper.

    No row is longer than `widest`, unless a single text is.
    """
    by_prompt: dict[Tokens, list[Tokens]] = {}
    for prompt, completion in texts:
        by_prompt.setdefault(prompt, []).append(completion)
    layouts = (
        min(_layouts(prompt, completions, sharing, widest), key=cost) for prompt, completions in by_prompt.items()
    )
    return sorted(chain.from_iterable(layouts), key=lambda row: (length(row), row))


def cost(rows: Sequence[Row]) -> float:
    """What encoding the rows costs, in tokens of a very short text."""
    return sum(length(row) * (1 + WIDTH_COST * length(row)) for row in rows)


def _layouts(
    prompt: Tokens, completions: Sequence[Tokens], sharing: PromptSharing, widest: int
) -> list[tuple[Row, ...]]:
    """The ways to lay out a prompt's completions that are worth comparing."""
    apart = tuple((prompt, (completion,)) for completion in completions)
    if sharing == "never":
        return [apart]
    if sharing == "always":
        return [_filled(prompt, completions, widest)]
    total = sum(map(len, completions))
    # as wide as an even spread over so many rows makes them
    widths = {min(widest, len(prompt) + -(-total // rows)) for rows in range(1, len(completions))}
    return [apart, *(_filled(prompt, completions, width) for width in sorted(widths))]


def _filled(prompt: Tokens, completions: Sequence[Tokens], width: int) -> tuple[Row, ...]:
    """Rows no longer than `width`: each completion, longest first, in the first one with room for it."""
    rows: list[Row] = []
    for completion in sorted(completions, key=lambda tokens: (-len(tokens), tokens)):
        for place, (_, inside) in enumerate(rows):
            if length(rows[place]) + len(completion) <= width:
                rows[place] = (prompt, (*inside, completion))
                break
        else:
            rows.append((prompt, (completion,)))
    return tuple(rows)
