"""A provider on its worst day: every fault a network can have, each at its place, the same in every run.

What goes wrong on the way (a refusal, a hang, a broken body) is drawn by the prompt, the seat and the attempt;
what is wrong with a reply itself is drawn by the prompt and the seat alone, so that a call asked again after
a crash gets the very same words.
"""

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.engines.servers import Act, hangs, hangs_up, refuses, replies, says
from tests.loopback import ChatHandler, LoopbackServer, running

LAST_FAULTY_ATTEMPT = 2
TOKEN = re.compile(r"\[token-(\d+)\]")

Prompt = tuple[str, float]
"""Digest of the messages, and the temperature that tells the seats apart."""
Writing = Callable[[str, str], str]
"""The text of a reply about a token that gives an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One call, as it arrived."""

    prompt: Prompt
    token: str
    opening: bool
    """Whether nobody else's solution was shown."""
    attempt: int
    """1 for the first time this prompt is asked."""

    @property
    def seat(self) -> float:
        """The temperature of whoever asks."""
        return self.prompt[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Poison:
    """What no attempt gets past."""

    act: Act
    seats: tuple[float, ...] = ()
    """Those it is meant for; empty for all."""
    opening_only: bool = False

    def spoils(self, question: Question) -> bool:
        """Whether a question gets nothing else."""
        return (not self.seats or question.seat in self.seats) and (question.opening or not self.opening_only)


def cut_short(handler: Any) -> None:
    """A body that ends long before its stated length."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "1", "object": "chat.completion", "choices": [{"index": 0, "mess')


FAULTS: Mapping[str, Act] = MappingProxyType(
    {
        "429 and when to come back": refuses(429, "slow down", {"Retry-After": "0.2"}),
        "429": refuses(429, "slow down"),
        "500": refuses(500, "out of order"),
        "503": refuses(503, "overloaded"),
        "hang": hangs,
        "reset": hangs_up,
        "cut short": cut_short,
        "page": replies(200, "<html><body>Bad gateway</body></html>", {"Content-Type": "text/html"}),
        "no choices": replies(200, '{"id": "1", "object": "chat.completion", "choices": []}'),
        # without tokens: what failed tries cost would otherwise depend on which process made them
        "empty": says("", tokens=(0, 0)),
    }
)
"""What may happen instead of a reply; another attempt gets past it."""


def _good(token: str, answer: str) -> str:
    return json.dumps({"reasoning": f"[token-{token}] so it is", "answer": answer, "confidence_level": 0.8})


WRITINGS: Mapping[str, Writing] = MappingProxyType(
    {
        "broken JSON": lambda token, answer: _good(token, answer).removesuffix("}") + ", ",
        "second object": lambda token, answer: _good(token, answer) + '\n{"reasoning": "no", "answer": "-1"}',
        "no answer": lambda token, _: json.dumps({"reasoning": f"[token-{token}] hm", "confidence_level": 0.8}),
        "surrogate": lambda token, answer: "\ud83d " + _good(f"{token}] \udc00 [token-{token}", answer),
        "NUL": lambda token, answer: "\0" + _good(f"{token}] \0 [token-{token}", answer),
    }
)
"""What may be odd about a reply."""


class FaultServer(LoopbackServer):
    """An OpenAI-compatible server, about a quarter of whose calls goes wrong."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, poison: Mapping[str, Poison]) -> None:
        super().__init__(_Handler)
        self.poison = poison
        self.asked: list[Question] = []
        """Every call, in the order of arrival."""
        self.answered: list[Prompt] = []
        """Prompts that got a text, sent to the end."""
        self.played: Counter[str] = Counter()
        """How often each fault was played."""
        self._attempts: Counter[Prompt] = Counter()
        self._lock = threading.Lock()

    def hears(self, body: Mapping[str, Any]) -> Question:
        """A call, entered in the book."""
        messages = body["messages"]
        prompt = prompt_of(messages, body["temperature"])
        with self._lock:
            self._attempts[prompt] += 1
            question = Question(
                prompt=prompt,
                token=TOKEN.findall(messages[0]["content"])[0],
                opening="olution" not in messages[0]["content"],
                attempt=self._attempts[prompt],
            )
            self.asked.append(question)
        return question

    def act(self, question: Question) -> Act:
        """What the question gets: its poison, a fault, or an answer."""
        poison = self.poison.get(question.token)
        if poison is not None and poison.spoils(question):
            self.plays("poison")
            return poison.act
        fault = _drawn(FAULTS, 9, *question.prompt, question.attempt)
        if fault is not None and question.attempt <= LAST_FAULTY_ATTEMPT:
            self.plays(fault)
            return FAULTS[fault]
        return self._answer(question)

    def _answer(self, question: Question) -> Act:
        writing = _drawn(WRITINGS, 7, *question.prompt)
        if writing is not None:
            self.plays(writing)
        answer = str(2 * int(question.token) + _number(*question.prompt, "answer") % 3)
        say = says(WRITINGS.get(writing or "", _good)(question.token, answer))

        def answer_and_note(handler: Any) -> None:
            say(handler)
            self.answered.append(question.prompt)

        return answer_and_note

    def plays(self, name: str) -> None:
        """Count a fault."""
        with self._lock:
            self.played[name] += 1


class _Handler(ChatHandler):
    server: FaultServer

    def answer(self) -> None:
        self.server.act(self.server.hears(self.body))(self)


def prompt_of(messages: list[dict[str, str]], temperature: float) -> Prompt:
    """What tells one prompt from another."""
    seen = [[message["role"], message["content"]] for message in messages]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest(), temperature


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def _drawn(table: Mapping[str, object], one_in: int, *parts: object) -> str | None:
    """A name of the table once in so many times; None otherwise."""
    number = _number(len(table), *parts)
    return list(table)[number // one_in % len(table)] if number % one_in == 0 else None


def failing(poison: Mapping[str, Poison] = MappingProxyType({})) -> AbstractContextManager[FaultServer]:
    """A server that fails while the context is open."""
    return running(FaultServer(poison))
