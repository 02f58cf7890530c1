"""What a call may cost at most, and what it did cost."""

from dataclasses import dataclass

from magdi_cli.core.protocols import Request

TOKENS_PER_MESSAGE = 16
"""More than any chat format adds around a message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """Dollars a token."""

    prompt: float
    completion: float
    exact: bool = True
    """Whether it holds for every token; the price map's is refined by what a response says of cached tokens."""

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The dollars of so many tokens."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens

    def ceiling(self, request: Request) -> float:
        """The most a request can cost: no tokenizer makes more tokens of a text than it has bytes."""
        read = sum(len(message.content.encode()) + TOKENS_PER_MESSAGE for message in request.messages)
        return self.of(read, request.sampling.max_tokens * request.sampling.n)


FREE = Price(prompt=0.0, completion=0.0)
"""What this machine's own models cost."""
