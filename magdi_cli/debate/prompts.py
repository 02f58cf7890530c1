"""What teachers are asked, rendered from the templates in `prompts/`."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Message
from magdi_cli.tasks.prompts import answer_format, question_text

TEMPLATES = ("opening.j2", "revision.j2", "question.j2", "format.j2")

REPLY_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "reasoning": {"type": "string"},
            "answer": {"type": "string"},
            "confidence_level": {"type": "number"},
        },
        "required": ["reasoning", "answer", "confidence_level"],
        "additionalProperties": False,
    }
)
"""The JSON object a reply should be (ReConcile's three fields)."""


def opening(problem: Problem) -> tuple[Message, ...]:
    """The prompt of an agent that answers alone."""
    return _rendered("opening.j2", problem)


def revision(problem: Problem, own: Turn | None, peer_groups: Sequence[Sequence[Turn]]) -> tuple[Message, ...]:
    """The prompt of an agent that is shown its own last turn and its peers', grouped by answer.

    Peers carry no names and are numbered afresh in each prompt. All groups are shown, also those of
    turns whose answer could not be read.
    """
    return _rendered("revision.j2", problem, own=own, peer_groups=peer_groups)


def _rendered(name: str, problem: Problem, **context: Any) -> tuple[Message, ...]:
    text = _template(name).render(question=question_text(problem), answer_format=answer_format(problem), **context)
    return (Message(role="user", content=text),)


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    # prompts are plain text for a model, not markup for a browser
    environment = Environment(
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    return environment.get_template(name)


def _source(name: str) -> str:
    return files("magdi_cli.debate").joinpath("prompts", name).read_text(encoding="utf-8")


def fingerprint() -> str:
    """The sha256 of all templates: debates with other prompts are other debates."""
    return hashlib.sha256("\x1f".join(_source(name) for name in TEMPLATES).encode()).hexdigest()
