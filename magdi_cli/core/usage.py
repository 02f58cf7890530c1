"""What a model call cost."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Calls, tokens, seconds and dollars; `+` adds them up."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    calls: int = 0
    """Requests that reached a model."""
    prompt_tokens: int = 0
    """Tokens read, as the model's own tokenizer counts them."""
    completion_tokens: int = 0
    """Tokens generated, as the model's own tokenizer counts them."""
    seconds: float = 0.0
    """Wall time of the calls, one after the other."""
    cost_usd: float | None = 0.0
    """Dollars; None as soon as one part has no known price."""

    def __add__(self, other: "Usage") -> "Usage":
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            seconds=self.seconds + other.seconds,
            cost_usd=(self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        )
