"""The scripted engine says what it was told to and remembers what it was asked."""

import asyncio

from magdi_cli.core.protocols import Completion
from magdi_cli.engines.scripted import ScriptedEngine
from tests.engines.requests import ask


def test_it_says_its_lines_in_order_and_then_fails() -> None:
    engine = ScriptedEngine(["one", "two words"])

    first, second, third = (asyncio.run(engine.generate(ask())) for _ in range(3))

    assert first.replies[0].text == "one"
    assert second.replies[0].completion_tokens == 2
    assert third.error is not None


def test_it_can_answer_by_what_is_asked() -> None:
    engine = ScriptedEngine(lambda request: request.messages[0].content.upper())

    assert asyncio.run(engine.generate(ask("hello"))).replies[0].text == "HELLO"
    assert [request.messages[0].content for request in engine.calls] == ["hello"]


def test_it_can_fail_on_demand() -> None:
    failure = Completion(error="no")

    assert asyncio.run(ScriptedEngine([failure]).generate(ask())) == failure


def test_every_sample_is_the_same_line() -> None:
    completion = asyncio.run(ScriptedEngine(["a b"]).generate(ask(n=3)))

    assert [reply.text for reply in completion.replies] == ["a b"] * 3
    assert completion.usage.completion_tokens == 6
