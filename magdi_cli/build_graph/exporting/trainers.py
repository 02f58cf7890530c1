"""`--format trl-sft|trl-dpo|kto`: rows for other trainers, in TRL's conversational formats.

Prompts and texts are those that `magdi distill --level all-nodes` learns from, all agents and rounds; a node without a
word to say makes no row. TRL reads the columns it knows and ignores the others, which say where a row comes from.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.build_graph.exporting import Write
from magdi_cli.build_graph.exporting.rows import open_rows
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.protocols import Message
from magdi_cli.tasks.material import node_pairs, node_text
from magdi_cli.tasks.prompts import student_messages

Chat = tuple[Message, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SftRow:
    """A correct node: TRL's prompt-completion."""

    prompt: Chat
    completion: Chat
    problem_id: str
    agent: str
    round: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DpoRow:
    """A correct and an incorrect node of one graph: TRL's preference with an explicit prompt."""

    prompt: Chat
    chosen: Chat
    rejected: Chat
    problem_id: str
    chosen_agent: str
    chosen_round: int
    rejected_agent: str
    rejected_round: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KtoRow:
    """Any node and its verdict: TRL's unpaired preference."""

    prompt: Chat
    completion: Chat
    label: bool
    """Whether the node is correct."""
    problem_id: str
    agent: str
    round: int


def open_sft(folder: Path) -> AbstractContextManager[Write]:
    """A writer of `trl-sft.jsonl`."""
    return open_rows(folder / "trl-sft.jsonl", sft_rows)


def open_dpo(folder: Path) -> AbstractContextManager[Write]:
    """A writer of `trl-dpo.jsonl`."""
    return open_rows(folder / "trl-dpo.jsonl", dpo_rows)


def open_kto(folder: Path) -> AbstractContextManager[Write]:
    """A writer of `kto.jsonl`."""
    return open_rows(folder / "kto.jsonl", kto_rows)


def sft_rows(graph: InteractionGraph) -> Iterator[SftRow]:
    """A row for each correct node."""
    for row in kto_rows(graph):
        if row.label:
            yield SftRow(
                prompt=row.prompt,
                completion=row.completion,
                problem_id=row.problem_id,
                agent=row.agent,
                round=row.round,
            )


def dpo_rows(graph: InteractionGraph) -> Iterator[DpoRow]:
    """A row for each pair of a correct and an incorrect node."""
    prompt, replies = student_messages(graph.problem), _replies(graph)
    for chosen, rejected in node_pairs(graph):
        if chosen in replies and rejected in replies:
            yield DpoRow(
                prompt=prompt,
                chosen=replies[chosen],
                rejected=replies[rejected],
                problem_id=graph.problem.id,
                chosen_agent=graph.nodes[chosen].agent,
                chosen_round=graph.nodes[chosen].round,
                rejected_agent=graph.nodes[rejected].agent,
                rejected_round=graph.nodes[rejected].round,
            )


def kto_rows(graph: InteractionGraph) -> Iterator[KtoRow]:
    """A row for each node."""
    prompt = student_messages(graph.problem)
    for index, reply in _replies(graph).items():
        node = graph.nodes[index]
        yield KtoRow(
            prompt=prompt,
            completion=reply,
            label=node.correct,
            problem_id=graph.problem.id,
            agent=node.agent,
            round=node.round,
        )


def _replies(graph: InteractionGraph) -> dict[int, Chat]:
    """What each node would have a student say, by its index."""
    texts = {index: node_text(node) for index, node in enumerate(graph.nodes)}
    return {index: (Message(role="assistant", content=text),) for index, text in texts.items() if text.strip()}
