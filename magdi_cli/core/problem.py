"""A problem: what is asked, what may be answered, what is right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NewType

Answer = NewType("Answer", str)
"""An answer in canonical form: `"72"`, `"B"`, `"yes"`, `"\\frac{1}{2}"`; made only by `tasks`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One question with its reference answer."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: str
    """Stable name of the problem; never its position in a file."""
    task: str
    """Name of the task the problem belongs to."""
    question: str
    """The text to answer, passage included where there is one."""
    choices: tuple[str, ...] = ()
    """The options of a multiple-choice problem; the first is `A`."""
    gold: Answer
    """The reference answer."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What the source carried besides, such as `rationale`; only the simulated teacher reads it."""

    def __post_init__(self) -> None:
        for name in ("id", "question", "gold"):
            if not getattr(self, name).strip():
                raise ValueError(f"problem {self.id!r}: {name} is empty")
