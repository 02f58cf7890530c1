"""Texts laid out for the student: prompts, each followed by completions that do not see one another.

A row of one completion is an ordinary sequence. In a row of several, the prompt is encoded once and
every completion reads it and itself alone, at the positions it would have had behind its own copy of
the prompt: hidden states and gradients are those of separate rows (Prefix Grouper, arXiv 2506.05433).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

Tokens = tuple[int, ...]
Text = tuple[Tokens, Tokens]
"""Prompt and completion."""
Row = tuple[Tokens, tuple[Tokens, ...]]
"""A prompt and the completions that follow it."""

PADDING = -1
PROMPT = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows of like length, padded to one rectangle `[R, T]`; no row has more than S completions."""

    input_ids: Tensor
    segments: Tensor
    """What each token belongs to: `PROMPT`, the row's s-th completion (counted from 1), or `PADDING`."""
    positions: Tensor
    """Each token's place in its own text: a completion goes on where the prompt ended."""
    target_nodes: Tensor
    """How many target nodes have this text, `[R, S]`; 0 for a text that is not to be learned."""

    def to(self, device: torch.device, **options: Any) -> "Rows":
        """The same rows on a device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device, **options) for f in fields(self)})

    @property
    def shared(self) -> bool:
        """Whether some prompt serves several completions."""
        return self.target_nodes.shape[1] > 1

    @property
    def tokens(self) -> Tensor:
        """True at every real token."""
        return self.segments != PADDING

    @property
    def places(self) -> Tensor:
        """Each completion token's place in its completion, counted from 1; 0 elsewhere."""
        prompts = (self.segments == PROMPT).sum(dim=1, keepdim=True)
        return (self.positions - prompts + 1) * (self.segments > PROMPT)

    @property
    def members(self) -> Tensor:
        """Which tokens each completion has, `[R, S, T]`."""
        numbers = torch.arange(1, self.target_nodes.shape[1] + 1, device=self.segments.device)
        return self.segments.unsqueeze(1) == numbers[:, None]

    @property
    def learned(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Every token to be learned: its row, the column it is predicted from, its own column, and its weight.

        A completion's first token is predicted from the prompt's last, which all completions share.
        """
        weights = self.target_nodes.gather(1, (self.segments - 1).clamp(min=0)) * (self.segments > PROMPT)
        row, column = weights.nonzero(as_tuple=True)
        columns = torch.arange(self.segments.shape[1], device=self.segments.device)
        prompt_ends = torch.where(self.segments == PROMPT, columns, 0).amax(dim=1)
        first = self.places[row, column] == 1
        return row, torch.where(first, prompt_ends[row], column - 1), column, weights[row, column]

    @property
    def completion_count(self) -> int:
        """Distinct texts."""
        return int(self.members.any(dim=2).sum())


def laid_out(rows: Sequence[Row], *, pad_id: int, targets: Mapping[Text, int]) -> Rows:
    """The rows as one rectangle; `targets` counts the target nodes of each text."""
    width, most = max(map(length, rows)), max(len(completions) for _, completions in rows)

    def rectangle(line: Callable[[Row], Sequence[int]], fill: int) -> Tensor:
        return torch.tensor([[*line(row), *[fill] * (width - length(row))] for row in rows])

    return Rows(
        input_ids=rectangle(lambda row: [*row[0], *chain(*row[1])], pad_id),
        # by place, never by token id: the padding token may be the end-of-sequence token
        segments=rectangle(_segments, PADDING),
        positions=rectangle(_positions, 0),
        target_nodes=torch.tensor(
            [[*(targets.get((prompt, c), 0) for c in all_), *[0] * (most - len(all_))] for prompt, all_ in rows]
        ),
    )


def length(row: Row) -> int:
    """The row's tokens."""
    prompt, completions = row
    return len(prompt) + sum(map(len, completions))


def _segments(row: Row) -> list[int]:
    prompt, completions = row
    return [PROMPT] * len(prompt) + [s for s, tokens in enumerate(completions, start=1) for _ in tokens]


def _positions(row: Row) -> list[int]:
    prompt, completions = row
    return [*range(len(prompt)), *(len(prompt) + place for tokens in completions for place in range(len(tokens)))]
