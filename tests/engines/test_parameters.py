"""Models that refuse a parameter: it is left out from then on, and said and recorded."""

import asyncio

import pytest

from magdi_cli.core.protocols import Completion, Request
from magdi_cli.engines.api import open_api
from magdi_cli.engines.retry import Retry
from tests.engines.requests import ask
from tests.engines.servers import Act, Playing, complains_of, playing, refuses, says

NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported."
)
NO_MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
NO_SCHEMA = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
COMPLAINTS = {"temperature": NO_TEMPERATURE, "max_tokens": NO_MAX_TOKENS, "response_format": NO_SCHEMA}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


def refusing(*names: str) -> Act:
    """One complaint a call about these parameters, a reply to all else."""
    return complains_of({name: COMPLAINTS[name] for name in names}, says("hello"))


def converse(
    server: Playing, *batches: int, model: str = "hosted_vllm/m", request: Request | None = None
) -> tuple[list[Completion], list[str]]:
    """The completions of batches of so many calls at once, and the warnings."""
    warnings: list[str] = []
    asked = request or ask(temperature=0.7, max_tokens=7, schema=SCHEMA)

    async def run() -> list[Completion]:
        retry = Retry(retries=2, first_wait_seconds=0.001, longest_wait_seconds=0.002)
        async with open_api(model, api_base=server.api_base, timeout=60.0, retry=retry, warn=warnings.append) as engine:
            return [
                completion
                for many in batches
                for completion in await asyncio.gather(*(engine.generate(asked) for _ in range(many)))
            ]

    return asyncio.run(run()), warnings


@pytest.mark.parametrize("name", ["temperature", "response_format"])
def test_a_refused_parameter_is_left_out_from_then_on(name: str) -> None:
    with playing(refusing(name)) as server:
        completions, warnings = converse(server, 1, 1, 1)

    assert [completion.dropped for completion in completions] == [(name,)] * 3
    assert all(completion.replies[0].text == "hello" for completion in completions)
    assert [name in body for body in server.bodies] == [True, False, False, False]
    assert warnings == [f"hosted_vllm/m refuses {name}; its calls are made without"]


def test_the_length_goes_by_its_other_name() -> None:
    with playing(refusing("max_tokens")) as server:
        completions, warnings = converse(server, 1, 1)

    assert [completion.dropped for completion in completions] == [()] * 2
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 7, 7]
    assert warnings == []


@pytest.mark.parametrize("names", [("temperature",), ("max_tokens",), ("temperature", "max_tokens", "response_format")])
def test_calls_that_are_refused_together_learn_together(names: tuple[str, ...]) -> None:
    with playing(refusing(*names)) as server:
        completions, warnings = converse(server, 16, 1)

    dropped = tuple(name for name in names if name != "max_tokens")
    assert {completion.error for completion in completions} == {None}
    assert {completion.dropped for completion in completions} == {dropped}
    assert sorted(warnings) == sorted(f"hosted_vllm/m refuses {name}; its calls are made without" for name in dropped)
    assert not set(names) & set(server.bodies[-1])


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens; your messages resulted in 5000 tokens.",
        "Invalid prompt: the question was flagged by our policy.",
        "'messages' must be a list of at most 10.",
    ],
)
def test_a_bad_request_about_something_else_is_not_made_again(message: str) -> None:
    with playing(refuses(400, message)) as server:
        (completion,), warnings = converse(server, 1)

    assert (completion.error, len(server.bodies), warnings) == (message, 1, [])


def test_a_complaint_about_what_was_not_sent_is_not_answered() -> None:
    with playing(refuses(400, NO_TEMPERATURE)) as server:
        (completion,), warnings = converse(server, 1)

    assert (completion.error, len(server.bodies), len(warnings)) == (NO_TEMPERATURE, 2, 1)


def test_what_is_known_to_be_refused_is_not_even_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-no-real-key")
    with playing(refusing("temperature")) as server:
        completions, warnings = converse(server, 2, model="openai/gpt-5")

    assert [completion.dropped for completion in completions] == [("temperature",)] * 2
    assert all("temperature" not in body for body in server.bodies)
    assert len(server.bodies) == 2
    assert warnings == ["openai/gpt-5 refuses temperature; its calls are made without"]
