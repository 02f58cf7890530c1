"""Who may look at whom: the attention mask of rows whose completions share a prompt."""

from typing import Any

import torch
from torch import Tensor

from magdi_cli.distill.encoding.rows import PADDING, PROMPT, Rows

FLEX = "flex_attention"


def attention_mask(rows: Rows, implementation: str) -> Any:
    """What the model's attention takes for these rows.

    Rows of one completion need only their padding, `[R, T]`. Where a prompt is shared, a token sees
    what comes before it in its own text: `[R, 1, T, T]`, or the same as a block mask for FlexAttention,
    which then skips the blocks that nobody sees.
    """
    if not rows.shared:
        return rows.tokens.long()
    return block_mask(rows) if implementation == FLEX else dense_mask(rows)


def dense_mask(rows: Rows) -> Tensor:
    """True where the query (row) sees the key (column), `[R, 1, T, T]`."""
    columns = torch.arange(rows.segments.shape[1], device=rows.segments.device)
    return visible(rows.segments, columns[:, None], columns[None, :]).unsqueeze(1)


def block_mask(rows: Rows) -> Any:
    """The same relation as FlexAttention reads it."""
    from torch.nn.attention.flex_attention import create_block_mask

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        del head
        return _related(rows.segments[row, query], rows.segments[row, key], query, key)

    count, width = rows.segments.shape
    return create_block_mask(sees, count, None, width, width, device=rows.segments.device)


def visible(segments: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
    """Whether each query sees each key, `[R, Q, K]`, for columns `queries [Q, 1]` and `keys [1, K]`."""
    return _related(segments[:, queries], segments[:, keys], queries, keys)


def _related(query_segment: Tensor, key_segment: Tensor, query: Tensor, key: Tensor) -> Tensor:
    own = (key_segment == PROMPT) | (key_segment == query_segment)
    # a padding token sees itself, so that no row of the softmax is empty
    return (key <= query) & torch.where(query_segment == PADDING, key == query, own & (key_segment != PADDING))
