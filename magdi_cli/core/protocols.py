"""The seam to every model: one request in, one completion out.

Teachers, students, simulated panels, recordings and test doubles are all an `Engine`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Problem
from magdi_cli.core.usage import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message of a chat."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How to draw from a model."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    max_tokens: int = 512
    n: int = 1
    """Samples to draw."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a model is asked, and the occasion: models see the messages, the simulated teacher the occasion."""

    messages: tuple[Message, ...]
    sampling: Sampling
    problem: Problem
    agent: str = ""
    """The seat that is asked, in a debate."""
    round: int = 0
    heard: tuple[Turn, ...] = ()
    """The turns shown in the messages."""
    index: int = 0
    """Tells apart requests that are equal in all a model sees, such as two seats of one model."""
    reply_schema: Mapping[str, Any] | None = None
    """JSON schema the reply should follow, where the model can be held to one."""
    deadline: float | None = None
    """The event loop's time after which no try of this call is begun."""
    prompts: str = ""
    """Fingerprint of the templates the messages were made from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One sample of a completion."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    text: str
    completion_tokens: int
    """Tokens generated, thoughts included; an estimate where a provider counts several samples together."""
    thinking_tokens: int = 0
    """How many of them were thoughts, in the text or delivered apart from it; an API's may be estimates."""
    truncated: bool = False
    """Whether the reply was cut off at the longest length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A model's `n` replies, or the error that took their place."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    replies: tuple[Reply, ...] = ()
    usage: Usage = field(default_factory=Usage)
    error: str | None = None
    dropped: tuple[str, ...] = ()
    """Parameters left out because the model refuses them."""

    def __post_init__(self) -> None:
        if (self.error is None) != bool(self.replies):
            raise ValueError("a completion has either replies or an error")


class Engine(Protocol):
    """Text in, text out; many requests may be under way at once, an engine batches inside.

    A model's failure is a completion with `error`. What no retry can mend (a missing key, a model
    that does not exist) is raised as a `MagdiError`.
    """

    @property
    def model(self) -> str:
        """What answers, in words that change whenever its answers would; part of a recorded call's key."""

    async def generate(self, request: Request) -> Completion:
        """The model's replies to one request."""


class Report(Protocol):
    """How a stage speaks to whoever runs it; never through stdout."""

    def note(self, message: str) -> None:
        """Something worth knowing."""

    def warn(self, message: str) -> None:
        """Something that may surprise."""

    def progress(
        self, label: str, total: int | None, status: Callable[[], str] = str
    ) -> AbstractContextManager[Callable[[], None]]:
        """A bar; the function it yields moves it by one. `status` is asked for a word such as `"0.3 $"` at any time."""
