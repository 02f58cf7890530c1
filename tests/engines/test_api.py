"""The API engine against real servers that do what providers do on bad days."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from magdi_cli.core.errors import AccessProblem
from magdi_cli.core.protocols import Completion, Request
from magdi_cli.core.secrets import without_secrets
from magdi_cli.engines.api import open_api
from magdi_cli.engines.prices import Price
from magdi_cli.engines.retry import Retry, asked_wait_seconds
from magdi_cli.engines.turnstile import Turnstile
from tests.engines.requests import ask
from tests.engines.servers import Act, Playing, hangs, hangs_up, playing, refuses, replies, says

QUICK = Retry(retries=2, first_wait_seconds=0.001, longest_wait_seconds=0.002)


async def converse(
    server: Playing, request: Request, *, timeout: float = 20.0, model: str = "hosted_vllm/m"
) -> Completion:
    async with open_api(model, api_base=server.api_base, timeout=timeout, retry=QUICK) as engine:
        return await engine.generate(request)


def answer(*acts: Act, timeout: float = 20.0) -> tuple[Completion, int]:
    """The completion, and how many calls the server saw."""
    with playing(*acts) as server:
        completion = asyncio.run(converse(server, ask(), timeout=timeout))
        return completion, len(server.bodies)


def test_a_good_reply_brings_its_usage() -> None:
    completion, calls = answer(says("hello"))

    assert (completion.replies[0].text, completion.error, calls) == ("hello", None, 1)
    usage = completion.usage
    assert (usage.calls, usage.prompt_tokens, usage.completion_tokens, usage.cost_usd) == (1, 3, 2, 0.0)
    assert usage.seconds > 0


def test_what_is_asked_arrives() -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    with playing(says("hello")) as server:
        request = ask("What?", temperature=0.5, top_p=0.9, max_tokens=7, schema=schema)
        asyncio.run(converse(server, request))

    (body,) = server.bodies
    assert body["messages"] == [{"role": "user", "content": "What?"}]
    assert (body["model"], body["temperature"], body["top_p"], body["max_tokens"]) == ("m", 0.5, 0.9, 7)
    assert body["response_format"]["json_schema"]["schema"] == schema


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    completion, calls = answer(refuses(status, "not now"), says("hello"))

    assert (completion.replies[0].text, calls) == ("hello", 2)
    assert completion.usage.calls == 2


PAGE = replies(200, "<html>Log in to the airport wifi</html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize("act", [hangs_up, PAGE, replies(200, '{"choices": []}'), says(""), says(None)])
def test_a_lost_or_empty_reply_is_tried_again(act: Act) -> None:
    completion, _ = answer(act, says("hello"))

    assert completion.replies[0].text == "hello"


def test_tries_are_counted_and_end() -> None:
    completion, calls = answer(refuses(500, "out of order"))

    assert (calls, completion.replies, completion.usage.calls) == (3, (), 3)
    assert completion.error == "out of order (tried 3 times)"


def test_a_reply_that_does_not_come_in_time_is_a_failure() -> None:
    completion, calls = answer(hangs, timeout=1.0)

    assert completion.error == "no reply within 1 s (tried 3 times)"
    assert calls == 3


def test_a_page_instead_of_a_reply_is_a_failure() -> None:
    completion, calls = answer(PAGE)

    assert completion.error is not None
    assert "airport wifi" in completion.error
    assert calls == 3


@pytest.mark.parametrize("message", [None, {"role": "assistant", "content": 5}])
def test_a_body_that_is_no_reply_is_a_failure_without_a_traceback(message: object) -> None:
    body = {"id": "1", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    completion, calls = answer(replies(200, json.dumps(body)))

    assert (completion.error, calls) == ("Invalid response object (tried 3 times)", 3)


def test_words_too_nested_to_be_read_are_a_failure_like_any_other() -> None:
    completion, calls = answer(replies(400, "[" * 5000))

    assert completion.error is not None
    assert completion.error.startswith("[[[")
    assert calls == 1


def test_nobody_listening_is_a_failure() -> None:
    with playing(says("hello")) as server:
        gone = server.api_base

    async def call() -> Completion:
        async with open_api("hosted_vllm/m", api_base=gone, timeout=5.0, retry=QUICK) as engine:
            return await engine.generate(ask())

    error = asyncio.run(call()).error
    assert error is not None
    assert "Cannot connect" in error
    assert "0x" not in error


def test_a_bad_request_is_not_asked_again() -> None:
    completion, calls = answer(refuses(400, "this prompt is too long"))

    assert (completion.error, calls) == ("this prompt is too long", 1)


def test_a_reply_that_ran_out_of_tokens_is_not_asked_again() -> None:
    completion, calls = answer(says("", finish_reason="length"))

    assert calls == 1
    assert completion.error is not None
    assert "raise --max-tokens" in completion.error


@pytest.mark.parametrize("status", [401, 403, 404])
def test_no_access_ends_the_run_at_once(status: int) -> None:
    with playing(refuses(status, "no entry")) as server:
        with pytest.raises(AccessProblem, match=rf"hosted_vllm/m@.* cannot be called \({status}\): no entry"):
            asyncio.run(converse(server, ask(n=3)))
        assert len(server.bodies) <= 3


def test_an_account_without_money_ends_the_run_at_once() -> None:
    body = json.dumps({"error": {"message": "pay first", "code": "insufficient_quota"}})
    with playing(replies(429, body)) as server, pytest.raises(AccessProblem, match="pay first"):
        asyncio.run(converse(server, ask()))


def test_a_provider_is_given_the_time_it_asks_for() -> None:
    completion, calls = answer(refuses(429, "slow down", {"Retry-After": "0.3"}), says("hello"))

    assert calls == 2
    assert completion.usage.seconds >= 0.3


def test_a_provider_that_asks_for_too_much_is_given_up() -> None:
    completion, calls = answer(refuses(429, "slow down", {"Retry-After": "3600"}))

    assert (calls, completion.error) == (1, "slow down; the provider asks to wait 3600 s")


def test_a_wait_too_long_for_one_call_holds_back_no_other() -> None:
    async def ask_twice(server: Playing) -> list[str | None]:
        async with open_api("hosted_vllm/m", api_base=server.api_base, retry=QUICK) as engine:
            return [(await asyncio.wait_for(engine.generate(ask()), 20)).error for _ in range(2)]

    with playing(refuses(429, "slow down", {"Retry-After": "3600"}), says("hello")) as server:
        first, second = asyncio.run(ask_twice(server))

    assert (first, second) == ("slow down; the provider asks to wait 3600 s", None)


def test_a_wait_may_be_a_date() -> None:
    refusal = RuntimeError("slow down")
    vars(refusal)["litellm_response_headers"] = {
        "Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    }

    assert 60 < asked_wait_seconds(refusal) <= 90
    assert asked_wait_seconds(ValueError()) == 0.0


def test_keys_are_blotted_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdef")
    completion, _ = answer(refuses(400, "the key sk-abcdef is odd"))

    assert completion.error == "the key [OPENAI_API_KEY] is odd"
    assert without_secrets("sk-abcdef!") == "[OPENAI_API_KEY]!"


def test_a_known_price_is_counted_and_an_unknown_one_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdef")

    async def cost(model: str) -> float | None:
        # a name that is this machine's without looking like it, as far as prices go
        async with open_api(model, api_base=server.api_base.replace("127.0.0.1", "0.0.0.0"), retry=QUICK) as engine:
            return (await engine.generate(ask())).usage.cost_usd

    with playing(says("hello")) as server:
        known, unknown = asyncio.run(cost("openai/gpt-4.1")), asyncio.run(cost("openai/my-own"))

    assert known == pytest.approx(3 * 2e-6 + 2 * 8e-6)
    assert unknown is None


@pytest.mark.parametrize(
    "counted",
    [
        None,
        {},
        {"prompt_tokens": None, "completion_tokens": 7, "total_tokens": 7},
        {"prompt_tokens": -3, "completion_tokens": 2, "total_tokens": -1},
    ],
)
def test_tokens_that_nobody_counted_are_paid_at_their_worst_case(counted: object) -> None:
    message = {"role": "assistant", "content": "hello"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": counted}
    price = Price(prompt=0.001, completion=0.002)
    turnstile = Turnstile.wide_open(price)

    async def converse() -> Completion:
        async with open_api("hosted_vllm/m", api_base=server.api_base, retry=QUICK, turnstile=turnstile) as engine:
            return await engine.generate(ask("What?"))

    with playing(replies(200, json.dumps(body))) as server:
        completion = asyncio.run(converse())

    assert completion.error is None
    assert completion.usage.cost_usd == turnstile.purse.spent == price.ceiling(ask("What?"))
    assert completion.usage.prompt_tokens == turnstile.purse.unsettled == 0


def test_a_text_that_cannot_be_written_is_mended() -> None:
    completion, _ = answer(says("half a \ud83d face"))

    assert completion.replies[0].text == "half a ? face"


def test_a_model_is_named_with_its_address() -> None:
    async def name(api_base: str | None) -> str:
        async with open_api("hosted_vllm/m", api_base=api_base) as engine:
            return engine.model

    assert asyncio.run(name("http://a/v1")) != asyncio.run(name("http://b/v1"))
    assert asyncio.run(name(None)) == "hosted_vllm/m"
