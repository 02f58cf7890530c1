"""Fixed replies and a history of what was asked: for tests, and for trying a pipeline by hand."""

from collections.abc import Callable, Iterable

from magdi_cli.core.protocols import Completion, Request
from magdi_cli.engines.words import completion_in_words

Script = str | Completion
"""What a scripted engine says: the text of every sample, or a whole completion, such as a failure."""


class ScriptedEngine:
    """An engine that says what it was told to: its replies in order, or what a function makes of a request."""

    def __init__(self, replies: Iterable[Script] | Callable[[Request], Script], model: str = "scripted") -> None:
        self._next = replies if callable(replies) else _in_order(replies)
        self._model = model
        self.calls: list[Request] = []
        """Every request, in the order they came."""

    @property
    def model(self) -> str:
        """The name it was given."""
        return self._model

    async def generate(self, request: Request) -> Completion:
        """The next reply, once per sample; tokens are words."""
        self.calls.append(request)
        said = self._next(request)
        if isinstance(said, Completion):
            return said
        return completion_in_words([said] * request.sampling.n, request.messages)


def _in_order(replies: Iterable[Script]) -> Callable[[Request], Script]:
    lines = iter(replies)

    def next_line(_: Request) -> Script:
        return next(lines, Completion(error="the script has no further reply"))

    return next_line
