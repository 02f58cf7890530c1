"""How near a merged model is to its student: their logits on texts such as the student learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import read_records
from magdi_cli.engines.chat import render_chat
from magdi_cli.tasks.loading import load_problems
from magdi_cli.tasks.material import node_text
from magdi_cli.tasks.prompts import student_messages

TEXTS = 8
LONGEST = 1024
"""Tokens of a text that are read."""
POSITIONS = 32
"""Last positions of a text whose logits are compared; more would fill memory at large vocabularies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """A model's logits against the student's, which is the base with the adapter on top."""

    model: str
    dtype: str
    relative: float
    """Length of the difference, as a share of the student's logits' own length."""
    largest: float
    """Largest difference of a logit."""
    mean: float
    """Mean difference of a logit."""
    same_token: float
    """Share of positions at which both would write the same token next."""


def agreement(model: str, dtype: torch.dtype, expected: Tensor, found: Tensor) -> Agreement:
    """How near the found logits `[P, V]` are to those expected."""
    difference = (found - expected).abs()
    return Agreement(
        model=model,
        dtype=str(dtype).removeprefix("torch."),
        relative=float(difference.norm() / expected.norm()),
        largest=float(difference.max()),
        mean=float(difference.mean()),
        same_token=float((found.argmax(dim=1) == expected.argmax(dim=1)).float().mean()),
    )


@torch.inference_mode()
def last_logits(model: Any, texts: Sequence[Sequence[int]]) -> Tensor:
    """The logits at the last positions of every text, in float32, `[P, V]`."""
    rows = [model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -POSITIONS:].float() for text in texts]
    return torch.cat(rows)


def texts_of(graphs: Path, tokenizer: Any) -> list[list[int]]:
    """Tokens of a few questions, each with a reply: the graphs' own, or generated ones where there is no such file."""
    if graphs.exists():
        some = islice(read_records(graphs, InteractionGraph), TEXTS)
        asked = [(graph.problem, node_text(graph.nodes[0]) if graph.nodes else "") for graph in some]
    else:
        asked = [(problem, "") for problem in load_problems("arithmetic", "test", data_dir=None, limit=TEXTS)]
    return [_tokens(problem, reply, tokenizer)[:LONGEST] for problem, reply in asked]


def _tokens(problem: Problem, reply: str, tokenizer: Any) -> list[int]:
    answer: list[int] = tokenizer.encode(reply, add_special_tokens=False)
    return [*render_chat(tokenizer, student_messages(problem)), *answer]
