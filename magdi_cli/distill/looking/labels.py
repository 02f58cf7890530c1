"""What is learned of a graph's texts and what is only read, token by token, as the batch itself has it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from magdi_cli.distill.encoding.batches import Batch, Item
from magdi_cli.distill.encoding.rows import PROMPT, Rows

TORN = "\ufffd"
"""What a tokenizer writes for a part of a character."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A token in letters; several, where a character takes more than one."""

    text: str
    learned: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledText:
    """A text of a graph, after its prompt."""

    nodes: tuple[int, ...]
    """The graph's nodes that have this text, counted from 1."""
    correct: bool
    tokens: int
    learned_tokens: int
    learned_for: int
    """How many nodes it is learned for, and counts for in the loss."""
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledGraph:
    """A graph as the student gets it; the prompt is never learned."""

    problem: str
    prompt: str
    prompt_tokens: int
    texts: tuple[LabelledText, ...]


def first_graph(batch: Batch, item: Item, tokenizer: Any) -> LabelledGraph:
    """The first item of the batch, with the batch's own labels."""
    places = [(rows, row, s) for rows in batch.rows for row, s in _places(rows)]
    nodes_of: dict[int, list[int]] = {}
    for node, text in enumerate(batch.node_texts[: len(item.completions)].tolist(), start=1):
        nodes_of.setdefault(text, []).append(node)
    rows, row, _ = places[next(iter(nodes_of))]
    prompt = rows.input_ids[row][rows.segments[row] == PROMPT].tolist()
    return LabelledGraph(
        problem=item.example.problem.id,
        prompt=tokenizer.decode(prompt),
        prompt_tokens=len(prompt),
        texts=tuple(_text(*places[text], nodes, item, tokenizer) for text, nodes in nodes_of.items()),
    )


def _places(rows: Rows) -> Iterator[tuple[int, int]]:
    """Row and number of each completion there is room for, in the order of `target_nodes`."""
    count, most = rows.target_nodes.shape
    return ((row, s) for row in range(count) for s in range(most))


def _text(rows: Rows, row: int, s: int, nodes: Sequence[int], item: Item, tokenizer: Any) -> LabelledText:
    learned = torch.zeros_like(rows.segments, dtype=torch.bool)
    learned_rows, _, columns, _ = rows.learned
    learned[learned_rows, columns] = True
    own = rows.segments[row] == s + 1
    tokens, labels = rows.input_ids[row][own].tolist(), learned[row][own].tolist()
    return LabelledText(
        nodes=tuple(nodes),
        correct=item.example.correct[nodes[0] - 1],
        tokens=len(tokens),
        learned_tokens=sum(labels),
        learned_for=int(rows.target_nodes[row, s]),
        pieces=tuple(pieces(tokens, labels, tokenizer)),
    )


def pieces(tokens: Sequence[int], labels: Sequence[bool], tokenizer: Any) -> Iterator[Piece]:
    """The tokens in letters, one by one, or together where a character is torn between them.

    Each is read behind the one before it, since some tokenizers drop a space at the beginning of a text.
    """
    before: list[int] = []
    pending: list[int] = []
    for place, token in enumerate(tokens):
        pending.append(token)
        text = tokenizer.decode([*before, *pending])[len(tokenizer.decode(before)) :]
        if not text.endswith(TORN) or place == len(tokens) - 1:
            yield Piece(text=text, learned=labels[place])
            before, pending = pending, []
