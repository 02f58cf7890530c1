"""A chat as the text or tokens that a local model continues."""

from collections.abc import Sequence
from typing import Any

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.protocols import Message, Reply
from magdi_cli.core.thoughts import OPENED_THOUGHT, end_of_thoughts

LAST_TOKENS = 8
"""Of a prompt; the tag of a thought and what follows it are no more."""


def render_chat(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens of a chat, up to where the assistant's reply begins."""
    text = chat_text(tokenizer, messages)
    # the template has written the special tokens already; without a template none are there yet
    tokens: list[int] = tokenizer.encode(text, add_special_tokens=tokenizer.chat_template is None)
    return tokens


def chat_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The chat in the model's own template; plain paragraphs for a model that has none."""
    if tokenizer.chat_template is None:
        return "\n\n".join(message.content for message in messages) + "\n\n"
    chat = [{"role": message.role, "content": message.content} for message in messages]
    text: str = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return text


def reply_to(prompt: Sequence[int], tokenizer: Any, text: str, completion_tokens: int, *, truncated: bool) -> Reply:
    """The reply to a prompt, with its thoughts counted.

    A thought that the prompt began is whole in the text, so that a reader can tell it from what follows.
    """
    opened = OPENED_THOUGHT.search(tokenizer.decode(prompt[-LAST_TOKENS:]))
    begun = opened[0] if opened else ""
    end = end_of_thoughts(begun + text)
    return Reply(
        text=begun + text,
        completion_tokens=completion_tokens,
        thinking_tokens=_thinking(tokenizer, text, max(0, end - len(begun)), completion_tokens),
        truncated=truncated,
    )


def _thinking(tokenizer: Any, text: str, end: int, completion_tokens: int) -> int:
    """How many of a text's tokens are in its first `end` characters; all of them where nothing else follows."""
    if end == len(text):
        return completion_tokens if text else 0
    return min(completion_tokens, len(tokenizer.encode(text[:end], add_special_tokens=False)))


def no_room(prompt_tokens: int, context: int) -> str:
    """The error of a prompt that fills the whole context."""
    return f"the prompt's {prompt_tokens} tokens leave no room for a reply in the model's context of {context}"


def require_room(model: str, max_tokens: int, context: int) -> None:
    """A `UsageProblem` where the longest reply alone would fill the model's context."""
    if max_tokens >= context:
        raise UsageProblem(
            f"--max-tokens {max_tokens} leaves no room for a prompt: {model} has a context of {context} tokens"
        )
