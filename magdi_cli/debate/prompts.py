"""What teachers are asked, rendered from the templates in `prompts/` or from a folder of the user's."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from magdi_cli.core.debate import Turn
from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Message
from magdi_cli.debate.demos import Demo
from magdi_cli.debate.fence import fenced
from magdi_cli.tasks.prompts import answer_format, question_text

TEMPLATES = ("opening.j2", "revision.j2", "verdict.j2", "again.j2", "demos.j2", "question.j2", "format.j2")

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

NO_TEXT = "(no text)"
"""Stands for an empty reply, which providers do not take back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """The source of one template."""

    name: str
    text: str
    place: str
    """Where it stands, for messages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Templates:
    """All templates in use, and the chats made from them."""

    sources: tuple[Template, ...]
    """One for each name of `TEMPLATES`, in that order."""

    @classmethod
    def packaged(cls) -> "Templates":
        """Magdi's own."""
        return cls(sources=tuple(_packaged(name) for name in TEMPLATES))

    @classmethod
    def from_folder(cls, folder: Path) -> "Templates":
        """Magdi's own with those of a folder in their place.

        Raises `UnknownName` for a template that magdi never asks for, and `UsageProblem` for one that
        cannot be read. Files that do not end in `.j2` are left alone.
        """
        if not folder.is_dir():
            raise UsageProblem(f"--prompts {folder} is no folder")
        found = {path.name: path for path in sorted(folder.glob("*.j2"))}
        if not found:
            raise UsageProblem(f"--prompts {folder} holds no template; known: {', '.join(TEMPLATES)}")
        for name in found:
            if name not in TEMPLATES:
                raise UnknownName(f"template in {folder}", name, TEMPLATES)
        return cls(sources=tuple(_read(found[name]) if name in found else _packaged(name) for name in TEMPLATES))

    @property
    def fingerprint(self) -> str:
        """The sha256 of all templates: debates with other prompts are other debates."""
        return _fingerprint(self.sources)

    def opening(self, problem: Problem, *, persona: str = "", demos: Sequence[Demo] = ()) -> tuple[Message, ...]:
        """The chat of an agent that answers alone."""
        return _chat(persona, self._render("opening.j2", problem, demos=demos))

    def revision(
        self,
        problem: Problem,
        own: Turn | None,
        peer_groups: Sequence[Sequence[Turn]],
        *,
        persona: str = "",
        demos: Sequence[Demo] = (),
    ) -> tuple[Message, ...]:
        """The chat of an agent that is shown its own last turn and its peers', grouped by answer.

        Peers carry no names; what they wrote is left as it is, names in it included, but for tags
        that would close the fence around it (`fenced`). All groups are shown, also those of turns
        whose answer could not be read.
        """
        return _chat(persona, self._render("revision.j2", problem, own=own, peer_groups=peer_groups, demos=demos))

    def verdict(
        self, problem: Problem, groups: Sequence[Sequence[Turn]], *, persona: str = "", demos: Sequence[Demo] = ()
    ) -> tuple[Message, ...]:
        """The chat of a judge: all solutions grouped by answer, without names, its own one among them."""
        return _chat(persona, self._render("verdict.j2", problem, groups=groups, demos=demos))

    def again(self, problem: Problem, chat: Sequence[Message], reply: str) -> tuple[Message, ...]:
        """The chat gone on after a reply without a readable answer: the same once more, in the form asked for."""
        asked = Message(role="user", content=self._render("again.j2", problem, demos=()))
        return (*chat, Message(role="assistant", content=reply.strip() or NO_TEXT), asked)

    def _render(self, name: str, problem: Problem, **context: Any) -> str:
        template = _environment(self.sources).get_template(name)
        text: str = template.render(question=question_text(problem), answer_format=answer_format(problem), **context)
        return text


def _chat(persona: str, prompt: str) -> tuple[Message, ...]:
    asked = Message(role="user", content=prompt)
    return (Message(role="system", content=persona), asked) if persona.strip() else (asked,)


@cache
def _fingerprint(sources: tuple[Template, ...]) -> str:
    return hashlib.sha256("\x1f".join(source.text for source in sources).encode()).hexdigest()


@cache
def _environment(sources: tuple[Template, ...]) -> Any:
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    known = {source.name: (source.text, source.place, None) for source in sources}
    # prompts are plain text for a model, not markup for a browser
    environment = SandboxedEnvironment(
        loader=FunctionLoader(known.get),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["fenced"] = fenced
    return environment


@cache
def _packaged(name: str) -> Template:
    text = files("magdi_cli.debate").joinpath("prompts", name).read_text(encoding="utf-8")
    return Template(name=name, text=text, place=f"magdi's own {name}")


def _read(path: Path) -> Template:
    try:
        return Template(name=path.name, text=path.read_text(encoding="utf-8"), place=str(path))
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    except OSError as error:
        raise UsageProblem(f"cannot read {path}: {error.strerror}") from None
