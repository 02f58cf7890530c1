"""Examples in tokens, and the batches made of them, in which every distinct text has one row.

Objectives join the nodes of a graph but never two graphs, so the graphs of one training step may be
encoded and differentiated one batch after the other: only one batch's activations exist at a time.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, chain
from typing import Any, TypeVar

import torch
from torch import Tensor

from magdi_cli.core.errors import UsageProblem
from magdi_cli.distill.examples import Example, nodes_read
from magdi_cli.tasks.prompts import student_messages

Tokens = tuple[int, ...]
Text = tuple[Tokens, Tokens]
"""Prompt and completion."""

Record = TypeVar("Record", "Rows", "Batch")

PASS_TOKENS = 2048
"""Most tokens, padding included, that are encoded in one pass, and that graphs sharing a batch may add up to."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Distinct texts of like length, padded to one rectangle `[R, T]`."""

    input_ids: Tensor
    attention_mask: Tensor
    """True at every real token."""
    completion_mask: Tensor
    """True at the tokens of the completion, the end-of-sequence token included."""
    target_nodes: Tensor
    """How many target nodes have this text, `[R]`; 0 for a text that is not to be learned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Several examples: N nodes over distinct rows, each example with its own edges and pairs."""

    problem_ids: tuple[str, ...]
    rows: tuple[Rows, ...]
    node_rows: Tensor
    """Each node's row, counted through all of `rows`, `[N]`."""
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

    def to(self, device: torch.device, **options: Any) -> "Batch":
        """The same batch on a device."""
        rows = tuple(_moved(part, device, options) for part in self.rows)
        return replace(_moved(self, device, options), rows=rows)

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return sum(int(rows.attention_mask.sum()) for rows in self.rows)

    @property
    def target_tokens(self) -> int:
        """Tokens to be learned, those of a text that several target nodes share counted for each."""
        return sum(int(rows.completion_mask.sum(dim=1) @ rows.target_nodes) for rows in self.rows)

    @property
    def paired_graphs(self) -> int:
        """Examples that have pairs."""
        return len(set(self.pair_graphs.tolist()))

    @property
    def row_count(self) -> int:
        """Distinct texts."""
        return sum(len(rows.input_ids) for rows in self.rows)


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
    short = [i for i, tokens in enumerate(item.completions) if len(item.prompt) + len(tokens) <= max_length]
    if not short:
        return None
    kept = [short[i] for i in nodes_read(item.example.keeping(short), objectives)]
    if not kept:
        return None
    return replace(item, example=item.example.keeping(kept), completions=tuple(item.completions[node] for node in kept))


def collate(items: Sequence[Item], *, pad_id: int) -> dict[str, tuple[Batch, ...]]:
    """The items of one training step as batches that fit in a pass where they can; the items stay as they are.

    Items with one prompt share a batch, so that no text of the step is encoded twice.
    """
    same_prompt: dict[Tokens, list[Item]] = {}
    for item in items:
        same_prompt.setdefault(item.prompt, []).append(item)
    shared: list[list[Item]] = []
    for group in same_prompt.values():
        if shared and _area([*shared[-1], *group]) <= PASS_TOKENS:
            shared[-1].extend(group)
        else:
            shared.append(group)
    return {"batches": tuple(batch_of(group, pad_id=pad_id) for group in shared)}


def batch_of(items: Sequence[Item], *, pad_id: int) -> Batch:
    """The items as one batch."""
    texts = [(item.prompt, completion) for item in items for completion in item.completions]
    groups = _groups(sorted(set(texts), key=lambda text: (_length(text), text)))
    place = {text: row for row, text in enumerate(chain.from_iterable(groups))}
    targets = Counter((item.prompt, item.completions[node]) for item in items for node in item.example.targets)
    starts = list(accumulate((len(item.completions) for item in items), initial=0))
    numbered = [(graph, starts[graph], item.example) for graph, item in enumerate(items)]
    pairs = [(graph, start + a, start + b) for graph, start, example in numbered for a, b in example.pairs]
    edges = [(start + a, start + b) for _, start, example in numbered for a, b in example.edges]
    pair_graphs, chosen, rejected = _columns(pairs, 3)
    return Batch(
        problem_ids=tuple(item.example.problem.id for item in items),
        rows=tuple(_padded(group, targets, pad_id) for group in groups),
        node_rows=torch.tensor([place[text] for text in texts]),
        correct=torch.tensor([verdict for item in items for verdict in item.example.correct]),
        edges=_columns(edges, 2),
        chosen=chosen,
        rejected=rejected,
        pair_graphs=pair_graphs,
    )


def _area(items: Sequence[Item]) -> int:
    """Tokens of the items in one rectangle."""
    lengths = [len(item.prompt) + len(completion) for item in items for completion in item.completions]
    return max(lengths) * len(lengths)


def _groups(texts: Sequence[Text]) -> list[list[Text]]:
    """The texts, shortest first, cut into passes of at most `PASS_TOKENS`; a longer text passes alone."""
    groups: list[list[Text]] = []
    for text in texts:
        if groups and (len(groups[-1]) + 1) * _length(text) <= PASS_TOKENS:
            groups[-1].append(text)
        else:
            groups.append([text])
    return groups


def _padded(texts: Sequence[Text], targets: Mapping[Text, int], pad_id: int) -> Rows:
    width = max(_length(text) for text in texts)
    column = torch.arange(width)
    prompts = torch.tensor([[len(prompt)] for prompt, _ in texts])
    ends = torch.tensor([[_length(text)] for text in texts])
    return Rows(
        input_ids=torch.tensor([[*text[0], *text[1], *[pad_id] * (width - _length(text))] for text in texts]),
        # by position, never by token id: the padding token may be the end-of-sequence token
        attention_mask=column < ends,
        completion_mask=(column >= prompts) & (column < ends),
        target_nodes=torch.tensor([targets.get(text, 0) for text in texts]),
    )


def _length(text: Text) -> int:
    return len(text[0]) + len(text[1])


def _columns(rows: Sequence[tuple[int, ...]], count: int) -> Tensor:
    return torch.tensor(rows, dtype=torch.long).reshape(len(rows), count).T.contiguous()


def _moved(record: Record, device: torch.device, options: Mapping[str, Any]) -> Record:
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    moved: dict[str, Any] = {k: v.to(device, **options) for k, v in values.items() if isinstance(v, Tensor)}
    return replace(record, **moved)
