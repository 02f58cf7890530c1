"""Examples in tokens, and the batches made of them, in which every distinct text is encoded once.

Objectives join the nodes of a graph but never two graphs, so the graphs of one training step may be
encoded and differentiated one batch after the other: only one batch's activations exist at a time.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UsageProblem
from magdi_cli.distill.encoding.rows import Row, Rows, Text, Tokens, laid_out, length
from magdi_cli.distill.encoding.sharing import PromptSharing, rows_of
from magdi_cli.distill.lessons.examples import Example, nodes_read
from magdi_cli.tasks.prompts import student_messages


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An example in the student's tokens."""

    example: Example
    prompt: Tokens
    completions: tuple[Tokens, ...]
    """One a node; each ends with the end-of-sequence token."""

    def __post_init__(self) -> None:
        if len(self.completions) != len(self.example.texts) or not self.prompt or not all(self.completions):
            raise ValueError(f"example {self.example.problem.id!r}: tokens do not match its nodes")

    @property
    def length(self) -> int:
        """Its tokens, the prompt counted once."""
        return length((self.prompt, self.completions))

    @property
    def longest(self) -> int:
        """The tokens of its longest node, prompt included."""
        return len(self.prompt) + max(map(len, self.completions))

    def fitting(self, max_length: int) -> list[int]:
        """The nodes that are with their prompt no longer than so many tokens."""
        return [i for i, tokens in enumerate(self.completions) if len(self.prompt) + len(tokens) <= max_length]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How texts become rows."""

    pad_id: int
    sharing: PromptSharing
    pass_tokens: int = DistillConfig.tokens_per_pass
    """Most tokens, padding included, that are encoded in one pass, and that graphs sharing a batch may add up to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Several examples: N nodes over distinct texts, each example with its own edges and pairs."""

    problem_ids: tuple[str, ...]
    rows: tuple[Rows, ...]
    node_texts: Tensor
    """Each node's text, as an index into all `target_nodes` of `rows` laid end to end, `[N]`."""
    correct: Tensor
    """`[N]`."""
    edges: Tensor
    """`[2, E]`, over the batch's nodes; none joins two examples."""
    chosen: Tensor
    """`[P]`, over the batch's nodes."""
    rejected: Tensor
    """`[P]`."""
    pair_graphs: Tensor
    """Which example each pair belongs to, `[P]`."""
    flips: Tensor
    """A seat's earlier and later node, `[2, F]`, over the batch's nodes."""
    flip_graphs: Tensor
    """Which example each flip belongs to, `[F]`."""

    def to(self, device: torch.device, **options: Any) -> "Batch":
        """The same batch on a device."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        moved = {name: value.to(device, **options) for name, value in values.items() if isinstance(value, Tensor)}
        return replace(self, rows=tuple(rows.to(device, **options) for rows in self.rows), **moved)  # type: ignore[arg-type]

    @property
    def tokens(self) -> int:
        """Encoded tokens, padding not counted."""
        return sum(int(rows.tokens.sum()) for rows in self.rows)

    @property
    def area(self) -> int:
        """Encoded tokens, padding included."""
        return sum(rows.input_ids.numel() for rows in self.rows)

    @property
    def target_tokens(self) -> int:
        """Tokens to be learned, those of a text that several target nodes share counted for each."""
        return sum(int((rows.members.sum(dim=2) * rows.target_nodes).sum()) for rows in self.rows)

    @property
    def paired_graphs(self) -> int:
        """Examples that have pairs."""
        return len(set(self.pair_graphs.tolist()))

    @property
    def flipped_graphs(self) -> int:
        """Examples that have flips."""
        return len(set(self.flip_graphs.tolist()))

    @property
    def text_count(self) -> int:
        """Distinct texts."""
        return sum(rows.completion_count for rows in self.rows)


def layout_of(tokenizer: Any, sharing: PromptSharing, config: DistillConfig) -> Layout:
    """The config's layout of the tokenizer's texts."""
    return Layout(pad_id=tokenizer.pad_token_id or 0, sharing=sharing, pass_tokens=config.tokens_per_pass)


def tokenize(example: Example, tokenizer: Any) -> Item:
    """The example in tokens: the prompt by the student's own chat template, each completion ended by its EOS."""
    if tokenizer.chat_template is None or tokenizer.eos_token_id is None:
        raise UsageProblem(
            "the student has no chat template or no end-of-sequence token; take an instruction-tuned one"
        )
    messages = [{"role": message.role, "content": message.content} for message in student_messages(example.problem)]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    completions = tokenizer(list(example.texts), add_special_tokens=False)["input_ids"]
    return Item(
        example=example,
        prompt=tuple(prompt),
        completions=tuple((*completion, tokenizer.eos_token_id) for completion in completions),
    )


def shortened(item: Item, *, max_length: int, objectives: Sequence[str]) -> Item | None:
    """The item without nodes longer than `max_length`, and without those then read by no objective; None if empty."""
    short = item.fitting(max_length)
    if not short:
        return None
    kept = [short[i] for i in nodes_read(item.example.keeping(short), objectives)]
    if not kept:
        return None
    return replace(item, example=item.example.keeping(kept), completions=tuple(item.completions[node] for node in kept))


def longest_first(items: Sequence[Item]) -> list[Item]:
    """The items of one training step in the order in which they are dealt out and encoded."""
    return sorted(items, key=lambda item: -item.length)


def batches_of(items: Sequence[Item], layout: Layout) -> tuple[Batch, ...]:
    """The items of one training step as batches that fit in a pass where they can; the items stay as they are.

    Items with one prompt share a batch, so that no text of the step is encoded twice.
    """
    same_prompt: dict[Tokens, list[Item]] = {}
    for item in items:
        same_prompt.setdefault(item.prompt, []).append(item)
    shared: list[list[Item]] = []
    for group in same_prompt.values():
        if shared and _area(_rows([*shared[-1], *group], layout)) <= layout.pass_tokens:
            shared[-1].extend(group)
        else:
            shared.append(group)
    return tuple(batch_of(group, layout) for group in shared)


def batch_of(items: Sequence[Item], layout: Layout) -> Batch:
    """The items as one batch."""
    targets = Counter((item.prompt, item.completions[node]) for item in items for node in item.example.targets)
    passes = _passes(_rows(items, layout), layout)
    place = _places(passes)
    starts = list(accumulate((len(item.completions) for item in items), initial=0))
    numbered = [(graph, starts[graph], item.example) for graph, item in enumerate(items)]
    pairs = [(graph, start + a, start + b) for graph, start, example in numbered for a, b in example.pairs]
    edges = [(start + a, start + b) for _, start, example in numbered for a, b in example.edges]
    pair_graphs, chosen, rejected = _columns(pairs, 3)
    flips = [(graph, start + a, start + b) for graph, start, example in numbered for a, b in example.flips]
    flip_graphs, earlier, later = _columns(flips, 3)
    return Batch(
        problem_ids=tuple(item.example.problem.id for item in items),
        rows=tuple(laid_out(rows, pad_id=layout.pad_id, targets=targets) for rows in passes),
        node_texts=torch.tensor([place[item.prompt, c] for item in items for c in item.completions]),
        correct=torch.tensor([verdict for item in items for verdict in item.example.correct]),
        edges=_columns(edges, 2),
        chosen=chosen,
        rejected=rejected,
        pair_graphs=pair_graphs,
        flips=torch.stack((earlier, later)),
        flip_graphs=flip_graphs,
    )


def _rows(items: Sequence[Item], layout: Layout) -> list[Row]:
    """The items' distinct texts as rows, shortest first."""
    texts = dict.fromkeys((item.prompt, completion) for item in items for completion in item.completions)
    return rows_of(list(texts), sharing=layout.sharing, widest=layout.pass_tokens)


def _passes(rows: Sequence[Row], layout: Layout) -> list[list[Row]]:
    """The rows cut into passes of at most `pass_tokens`; a longer row passes alone."""
    passes: list[list[Row]] = []
    for row in rows:
        if passes and _area([*passes[-1], row]) <= layout.pass_tokens:
            passes[-1].append(row)
        else:
            passes.append([row])
    return passes


def _places(passes: Sequence[Sequence[Row]]) -> dict[Text, int]:
    """Where each text stands in all `target_nodes` laid end to end."""
    places: dict[Text, int] = {}
    start = 0
    for rows in passes:
        most = max(len(completions) for _, completions in rows)
        for prompt, completions in rows:
            places.update(((prompt, completion), start + i) for i, completion in enumerate(completions))
            start += most
    return places


def _area(rows: Sequence[Row]) -> int:
    """Tokens of the rows in one rectangle."""
    return max(map(length, rows)) * len(rows)


def _columns(rows: Sequence[tuple[int, ...]], count: int) -> Tensor:
    return torch.tensor(rows, dtype=torch.long).reshape(len(rows), count).T.contiguous()
