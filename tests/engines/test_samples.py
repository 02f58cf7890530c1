"""Several samples of a hosted model: one call where the provider gives them, as many as it takes where it does not."""

import asyncio

import pytest

from magdi_cli.core.protocols import Completion
from magdi_cli.engines.api import open_api
from magdi_cli.engines.prices import Price
from magdi_cli.engines.retry import Retry
from magdi_cli.engines.turnstile import Turnstile
from tests.engines.requests import ask
from tests.engines.servers import Playing, complains_of, playing, refuses, replies, says, says_each
from tests.loopback import chat_completions

QUICK = Retry(retries=2, first_wait_seconds=0.001, longest_wait_seconds=0.002)
PRICE = Price(prompt=0.001, completion=0.01)
ROUTE = "hosted_vllm/m"


class Talk:
    """Requests for so many samples each, one after the other, to one engine."""

    def __init__(self, server: Playing, *samples: int) -> None:
        self.warnings: list[str] = []
        self.turnstile = Turnstile.wide_open(PRICE)
        self.completions = asyncio.run(self._converse(server, samples))
        self.asked = [body.get("n", 1) for body in server.bodies]

    async def _converse(self, server: Playing, samples: tuple[int, ...]) -> list[Completion]:
        opened = open_api(
            ROUTE, api_base=server.api_base, retry=QUICK, turnstile=self.turnstile, warn=self.warnings.append
        )
        async with opened as engine:
            return [await engine.generate(ask(n=n, temperature=0.7, max_tokens=5)) for n in samples]


def said(completion: Completion) -> list[str]:
    return sorted(reply.text for reply in completion.replies)


def test_samples_that_a_provider_gives_together_are_one_call_and_one_bill() -> None:
    with playing(says_each("one", "two", "three", tokens=(10, 11))) as server:
        talk = Talk(server, 3)

    (completion,) = talk.completions
    assert said(completion) == ["one", "three", "two"]
    assert talk.asked == [3]
    usage = completion.usage
    assert (usage.calls, usage.prompt_tokens, usage.completion_tokens) == (1, 10, 11)
    assert [reply.completion_tokens for reply in completion.replies] == [3, 3, 5]
    assert usage.cost_usd == talk.turnstile.purse.spent == pytest.approx(10 * 0.001 + 11 * 0.01)
    assert (completion.dropped, talk.warnings) == ((), [])


def test_a_provider_that_ignores_the_number_is_asked_for_each_sample_from_then_on() -> None:
    with playing(says("hello", tokens=(10, 4))) as server:
        talk = Talk(server, 3, 2)

    assert [said(completion) for completion in talk.completions] == [["hello"] * 3, ["hello"] * 2]
    assert talk.asked == [3, 1, 1, 1, 1]
    assert [completion.usage.calls for completion in talk.completions] == [3, 2]
    assert talk.completions[0].usage.completion_tokens == 12
    assert talk.turnstile.purse.spent == pytest.approx(5 * (10 * 0.001 + 4 * 0.01))
    assert talk.warnings == [f"{ROUTE} refuses n; each sample is a call of its own"]
    assert talk.completions[0].dropped == ()


@pytest.mark.parametrize(
    "complaint",
    [
        "'n' : number must be at most 1 with this model.",
        "n must be 1",
        "Unsupported parameter: n.",
        '{"loc": ["body", "n"], "msg": "Extra inputs are not permitted"}',
    ],
)
def test_a_provider_that_refuses_the_number_is_asked_for_each_sample_from_then_on(complaint: str) -> None:
    with playing(complains_of({"n": complaint}, says("hello", tokens=(10, 4)))) as server:
        talk = Talk(server, 3, 2)

    assert [said(completion) for completion in talk.completions] == [["hello"] * 3, ["hello"] * 2]
    assert talk.asked == [3, 1, 1, 1, 1, 1]
    assert [completion.usage.calls for completion in talk.completions] == [3, 2]
    assert talk.turnstile.purse.spent == pytest.approx(5 * (10 * 0.001 + 4 * 0.01))
    assert talk.warnings == [f"{ROUTE} refuses n; each sample is a call of its own"]


@pytest.mark.parametrize(
    "complaint", ["invalid token in prompt", "your function must be named", "bad \\n found: invalid"]
)
def test_a_complaint_about_something_else_is_not_taken_for_one_about_the_number(complaint: str) -> None:
    with playing(refuses(400, complaint)) as server:
        talk = Talk(server, 3)

    assert talk.asked == [3]
    assert talk.completions[0].error == complaint
    assert talk.warnings == []


def test_an_empty_sample_among_others_is_asked_for_again() -> None:
    with playing(says_each("one", "", "three"), says("two")) as server:
        talk = Talk(server, 3)

    assert said(talk.completions[0]) == ["one", "three", "two"]
    assert talk.asked == [3, 1]
    assert talk.warnings == []


def test_samples_that_are_all_empty_are_tried_again_together() -> None:
    with playing(says_each("", None), says_each("one", "two")) as server:
        talk = Talk(server, 2)

    assert said(talk.completions[0]) == ["one", "two"]
    assert talk.asked == [2, 2]
    assert talk.completions[0].usage.calls == 2


def test_a_failure_of_a_missing_sample_is_a_failure_of_all_and_what_was_paid_is_counted() -> None:
    with playing(says("hello", tokens=(10, 4)), refuses(500, "out of order")) as server:
        talk = Talk(server, 2)

    (completion,) = talk.completions
    assert completion.error == "out of order (tried 3 times)"
    assert (completion.usage.calls, completion.usage.completion_tokens) == (4, 4)


def test_more_samples_than_were_asked_for_are_paid_and_left() -> None:
    body = chat_completions([{"content": text} for text in ("one", "two", "six")], tokens=(10, 9))
    with playing(replies(200, body)) as server:
        talk = Talk(server, 2)

    assert said(talk.completions[0]) == ["one", "two"]
    assert talk.completions[0].usage.completion_tokens == 9


def test_what_is_set_aside_for_a_call_covers_all_its_samples() -> None:
    one, three = (PRICE.ceiling(ask(n=n, max_tokens=5)) for n in (1, 3))

    assert three - one == pytest.approx(2 * 5 * PRICE.completion)
