"""A student's tokenizer that reads every text once, however many students learn from it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any


class CachedTokenizer:
    """What `tokenize` asks of a tokenizer, remembered by text."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._texts: dict[str, list[int]] = {}
        self._prompts: dict[tuple[str, ...], list[int]] = {}

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer itself, loaded when it is first asked for."""
        return self._load()

    @property
    def chat_template(self) -> str | None:
        """The student's own."""
        template: str | None = self.tokenizer.chat_template
        return template

    @property
    def eos_token_id(self) -> int | None:
        """The end-of-sequence token."""
        token: int | None = self.tokenizer.eos_token_id
        return token

    def __call__(self, texts: Sequence[str], **options: Any) -> dict[str, list[list[int]]]:
        """The tokens of each text, under `input_ids`."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._texts]:
            self._texts.update(zip(new, self.tokenizer(new, **options)["input_ids"], strict=True))
        return {"input_ids": [self._texts[text] for text in texts]}

    def apply_chat_template(self, messages: Sequence[dict[str, str]], **options: Any) -> list[int]:
        """The tokens of a chat."""
        chat = tuple(part for message in messages for part in message.values())
        if chat not in self._prompts:
            self._prompts[chat] = self.tokenizer.apply_chat_template(messages, **options)
        return self._prompts[chat]
