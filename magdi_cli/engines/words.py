"""Completions of engines without a tokenizer: a word is a token, and nothing costs anything."""

from collections.abc import Sequence

from magdi_cli.core.protocols import Completion, Message, Reply
from magdi_cli.core.usage import Usage


def completion_in_words(texts: Sequence[str], messages: Sequence[Message]) -> Completion:
    """The texts as replies, their words counted as tokens."""
    replies = tuple(Reply(text=text, completion_tokens=len(text.split())) for text in texts)
    usage = Usage(
        calls=1,
        prompt_tokens=sum(len(message.content.split()) for message in messages),
        completion_tokens=sum(reply.completion_tokens for reply in replies),
    )
    return Completion(replies=replies, usage=usage)
