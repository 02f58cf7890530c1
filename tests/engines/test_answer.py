"""What is read of a provider's answer: texts, thoughts, and whose tokens are whose."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.protocols import Reply
from magdi_cli.engines.answer import shared_out
from magdi_cli.engines.api import open_api
from tests.engines.requests import ask
from tests.engines.servers import Act, playing, says, says_thinking


def reply_to(act: Act) -> Reply:
    async def converse(address: str) -> Reply:
        async with open_api("hosted_vllm/m", api_base=address) as engine:
            return (await engine.generate(ask())).replies[0]

    with playing(act) as server:
        return asyncio.run(converse(server.api_base))


@pytest.mark.parametrize(
    ("act", "text", "thinking"),
    [
        (says_thinking("four", written=8), "four", 0),
        # counted by the provider
        (says_thinking("four", written=8, counted=6), "four", 6),
        (says_thinking("four", "two and two", written=8, counted=6), "four", 6),
        # in proportion of what was written: 12 letters of thoughts and 4 of text
        (says_thinking("four", "two and two!", written=8), "four", 6),
        (says_thinking("four", "two and two!", written=8, counted=0), "four", 6),
        # in the text itself: the prompt opened the thought
        (says_thinking("aaaa</think>four", written=8), "aaaa</think>four", 6),
        # a provider that does not count thoughts among the tokens it wrote
        (says_thinking("four", written=8, counted=60), "four", 8),
    ],
)
def test_thoughts_are_counted_and_those_delivered_apart_are_not_part_of_the_text(
    act: Act, text: str, thinking: int
) -> None:
    reply = reply_to(act)

    assert (reply.text, reply.completion_tokens, reply.thinking_tokens) == (text, 8, thinking)


@pytest.mark.parametrize(("reason", "truncated"), [("length", True), ("stop", False)])
def test_a_reply_that_was_cut_off_is_said_to_be(reason: str, truncated: bool) -> None:
    assert reply_to(says("half a sen", reason)).truncated is truncated


@given(st.integers(0, 10_000), st.lists(st.integers(0, 1000), min_size=1, max_size=20))
def test_shares_add_up_and_are_as_near_to_their_proportion_as_whole_numbers_are(total: int, weights: list[int]) -> None:
    shares = shared_out(total, weights)

    assert sum(shares) == total
    whole = sum(weights)
    exact = [total * w / whole if whole else total / len(weights) for w in weights]
    assert all(share >= 0 and abs(share - wanted) <= 1 + 1e-6 for share, wanted in zip(shares, exact, strict=True))
