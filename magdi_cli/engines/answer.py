"""What a provider answered to one call: one or several texts, and how many tokens each of them took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from magdi_cli.core.protocols import Reply, Request
from magdi_cli.core.secrets import without_secrets
from magdi_cli.core.thoughts import end_of_thoughts
from magdi_cli.core.usage import Usage
from magdi_cli.engines.retry import EmptyReply, ReplyCutOff

CUT_OFF = "length"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One text."""

    text: str
    finish_reason: str | None
    thoughts: str = ""
    """Reasoning that was delivered apart from the text."""

    @property
    def characters(self) -> int:
        """All that was written and shown."""
        return len(self.thoughts) + len(self.text)

    @property
    def thought_characters(self) -> int:
        """How many of them are thoughts."""
        return len(self.thoughts) + end_of_thoughts(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back from a provider and was paid for."""

    choices: tuple[Choice, ...]
    usage: Usage
    reasoning_tokens: int = 0
    """Tokens of all thoughts together, as the provider counted them; 0 where it did not."""
    dropped: tuple[str, ...] = ()

    def replies(self, request: Request) -> tuple[Reply, ...]:
        """The samples that have a text, no more than asked for; the tokens shared out by length.

        Where none has one, raises `EmptyReply`, or `ReplyCutOff` if another try would end the same way.
        """
        tokens = shared_out(self.usage.completion_tokens, [choice.characters for choice in self.choices])
        thinking = self._thinking(tokens)
        replies = [
            Reply(
                text=choice.text,
                completion_tokens=count,
                thinking_tokens=min(thoughts, count),
                truncated=choice.finish_reason == CUT_OFF,
            )
            for choice, count, thoughts in zip(self.choices, tokens, thinking, strict=True)
            if choice.text
        ]
        if not replies:
            self._refuse_silence(request)
        return tuple(replies[: request.sampling.n])

    def _thinking(self, tokens: Sequence[int]) -> list[int]:
        if self.reasoning_tokens:
            seen = [choice.thought_characters for choice in self.choices]
            return shared_out(self.reasoning_tokens, seen if any(seen) else tokens)
        return [
            round(count * choice.thought_characters / max(1, choice.characters))
            for choice, count in zip(self.choices, tokens, strict=True)
        ]

    def _refuse_silence(self, request: Request) -> None:
        reasons = {choice.finish_reason for choice in self.choices}
        if CUT_OFF in reasons:
            raise ReplyCutOff(
                f"the model used all of its {request.sampling.max_tokens} tokens before it answered; raise --max-tokens"
            )
        if "content_filter" in reasons:
            raise ReplyCutOff("the provider's content filter stopped the reply")
        raise EmptyReply("empty reply")


def choices_of(response: Any) -> tuple[Choice, ...]:
    """The texts of a litellm response, secrets blotted out."""
    return tuple(
        Choice(
            text=_written(choice.message.content),
            finish_reason=getattr(choice, "finish_reason", None),
            thoughts=_written(getattr(choice.message, "reasoning_content", None)),
        )
        for choice in getattr(response, "choices", None) or ()
    )


def reasoning_tokens_of(response: Any) -> int:
    """The tokens of thoughts that a provider counted; 0 where it counted none."""
    details = getattr(getattr(response, "usage", None), "completion_tokens_details", None)
    return max(0, getattr(details, "reasoning_tokens", None) or 0)


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers that add up to the total, in proportion to the weights; evenly where all are 0."""
    weights = weights if any(weights) else [1] * len(weights)
    whole, upto, before = sum(weights), 0, 0
    shares = []
    for weight in weights:
        upto += weight
        shares.append(round(total * upto / whole) - before)
        before += shares[-1]
    return shares


def _written(text: str | None) -> str:
    # a lone surrogate cannot be written to a file
    return without_secrets((text or "").encode("utf-8", "replace").decode())
