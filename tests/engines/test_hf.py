"""The transformers engine: batches that nobody who is in them can notice."""

import asyncio
from pathlib import Path

import pytest

from magdi_cli.core.errors import EnvironmentProblem, UsageProblem
from magdi_cli.core.protocols import Completion, Request
from magdi_cli.engines.hf import open_transformers
from tests.engines.requests import ask

QUESTIONS = ["one", "a longer question", "x", "what is the answer to a question that is longer still?", "why"]


def completions(
    model: str, *requests: Request, adapter: Path | None = None, batch_size: int = 4, seed: int = 0
) -> list[Completion]:
    """What is said to requests made all at once."""

    async def converse() -> list[Completion]:
        async with open_transformers(model, adapter=adapter, seed=seed, batch_size=batch_size) as engine:
            return await asyncio.gather(*(engine.generate(request) for request in requests))

    return asyncio.run(converse())


def texts(found: list[Completion]) -> list[list[str]]:
    return [[reply.text for reply in completion.replies] for completion in found]


def test_a_greedy_reply_does_not_depend_on_who_else_is_asked(tiny: str) -> None:
    requests = [ask(question, max_tokens=12) for question in QUESTIONS]

    together = completions(tiny, *requests, batch_size=5)
    alone = [completions(tiny, request, batch_size=1)[0] for request in requests]

    assert texts(together) == texts(alone)
    assert len({text for (text,) in texts(together)}) > 1
    assert all(completion.error is None for completion in together)


def test_tokens_are_counted_without_padding(tiny: str) -> None:
    found = completions(tiny, *(ask(question, max_tokens=12) for question in QUESTIONS), batch_size=5)

    for question, completion in zip(QUESTIONS, found, strict=True):
        # bytes of the question, and the four marks of the template
        assert completion.usage.prompt_tokens == len(question) + 3
        assert 1 <= completion.usage.completion_tokens <= 12
        assert completion.usage.completion_tokens == completion.replies[0].completion_tokens


def test_samples_differ_from_each_other_and_repeat_with_the_seed(tiny: str) -> None:
    request = ask("say something", max_tokens=8, temperature=1.0, n=4)

    (first,) = completions(tiny, request)
    (again,) = completions(tiny, request)
    (other,) = completions(tiny, request, seed=1)

    assert len({reply.text for reply in first.replies}) > 1
    assert texts([first]) == texts([again]) != texts([other])
    assert first.usage.completion_tokens == sum(reply.completion_tokens for reply in first.replies)


def test_requests_of_other_sampling_wait_for_each_other(tiny: str) -> None:
    requests = [ask(question, max_tokens=3 + number % 2, n=1) for number, question in enumerate(QUESTIONS * 3)]

    found = completions(tiny, *requests)

    assert all(
        completion.usage.completion_tokens <= request.sampling.max_tokens
        for completion, request in zip(found, requests, strict=True)
    )


def test_an_adapter_is_heard(tiny: str, adapter: Path) -> None:
    requests = [ask(question, max_tokens=12) for question in QUESTIONS]

    assert texts(completions(tiny, *requests)) != texts(completions(tiny, *requests, adapter=adapter))


def test_a_prompt_that_fills_the_context_is_a_failure_of_that_request_alone(tiny: str) -> None:
    too_long, fine = completions(tiny, ask("x" * 3000), ask("short", max_tokens=3))

    assert too_long.error is not None
    assert "context of 2048" in too_long.error
    assert fine.error is None


def test_a_reply_is_cut_to_what_the_context_holds(tiny: str) -> None:
    (completion,) = completions(tiny, ask("x" * 2040, max_tokens=500))

    assert completion.usage.prompt_tokens + completion.usage.completion_tokens <= 2048


def test_a_limit_no_prompt_fits_beside_is_refused_at_once(tiny: str) -> None:
    async def open_it() -> None:
        async with open_transformers(tiny, adapter=None, seed=0, max_tokens=2048):
            raise AssertionError

    with pytest.raises(UsageProblem, match="--max-tokens 2048 leaves no room for a prompt"):
        asyncio.run(open_it())


def test_a_model_that_cannot_be_loaded_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="transformers cannot load"):
        completions(str(tmp_path), ask())


def test_loading_draws_nothing(tiny: str, capfd: pytest.CaptureFixture[str]) -> None:
    completions(tiny, ask(max_tokens=2))

    assert capfd.readouterr() == ("", "")
