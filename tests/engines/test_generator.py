"""Replies read from generated tokens: where they end, what in them is thought."""

from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from magdi_cli.core.protocols import Reply, Sampling
from magdi_cli.engines.generator import Generator
from magdi_cli.tasks.normalise import without_thoughts

LONGEST = 60


class Writing:
    """A model that writes the given texts, one a row, padded as a real one does."""

    device = "cpu"

    def __init__(self, tokenizer: Any, texts: list[str]) -> None:
        self._rows = [tokenizer.encode(text, add_special_tokens=False)[:LONGEST] for text in texts]
        self._pad = tokenizer.pad_token_id
        self.generation_config = type("Settings", (), {"eos_token_id": [self._pad, tokenizer.eos_token_id]})()

    def generate(self, *, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        longest = max(map(len, self._rows))
        rows = torch.tensor([row + [self._pad] * (longest - len(row)) for row in self._rows])
        return torch.cat([input_ids.expand(len(rows), -1), rows], dim=1)


@pytest.fixture(scope="module")
def tokenizer(tiny: str) -> Any:
    return AutoTokenizer.from_pretrained(tiny)


def read(tokenizer: Any, *texts: str, prompt: str = "why?") -> list[Reply]:
    generator = Generator(model=Writing(tokenizer, list(texts)), tokenizer=tokenizer, context=2048)
    sampling = Sampling(n=len(texts), temperature=1.0, max_tokens=LONGEST)
    (completion,) = generator.complete([tokenizer.encode(prompt)], sampling, max_new_tokens=LONGEST, seed=0)
    return list(completion.replies)


def test_a_reply_without_an_end_token_was_cut_off(tokenizer: Any) -> None:
    whole, cut = read(tokenizer, "four<|end|>", "x" * LONGEST)

    assert (whole.text, whole.completion_tokens, whole.truncated) == ("four", 5, False)
    assert (cut.text, cut.completion_tokens, cut.truncated) == ("x" * LONGEST, LONGEST, True)


def test_a_reply_that_ends_with_its_last_token_was_not_cut_off(tokenizer: Any) -> None:
    (reply,) = read(tokenizer, "x" * (LONGEST - 1) + "<|end|>")

    assert (reply.completion_tokens, reply.truncated) == (LONGEST, False)


def test_tokens_of_thoughts_are_counted_up_to_their_end_tag(tokenizer: Any) -> None:
    none, closed, unopened, unclosed = read(
        tokenizer, "four<|end|>", "<think>2+2</think>four<|end|>", "2+2</think>four<|end|>", "<think>two and" + "!" * 60
    )

    # a letter is a token
    assert none.thinking_tokens == 0
    assert closed.thinking_tokens == len("<think>2+2</think>")
    assert unopened.thinking_tokens == len("2+2</think>")
    assert unclosed.thinking_tokens == unclosed.completion_tokens == LONGEST


def test_a_thought_that_the_prompt_began_is_whole_in_the_reply(tokenizer: Any) -> None:
    closed, cut = read(tokenizer, "2+2</think>four<|end|>", "2+2+2" * 20, prompt="why?<|assistant|><think>\n")

    assert (closed.text, closed.thinking_tokens) == ("<think>\n2+2</think>four", len("2+2</think>"))
    assert cut.text.startswith("<think>\n2+2")
    assert without_thoughts(cut.text) == ""
    assert cut.thinking_tokens == cut.completion_tokens == LONGEST
