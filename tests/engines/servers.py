"""Providers that misbehave: an HTTP server on loopback that plays a script, one act per call."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from tests.loopback import ChatHandler, LoopbackServer, chat_completion, chat_completions, running

Act = Callable[["_Handler"], None]
"""What the server does with one call."""


class Playing(LoopbackServer):
    """Plays the acts in order, the last one for ever."""

    def __init__(self, *acts: Act) -> None:
        super().__init__(_Handler)
        self.acts = acts
        self.bodies: list[dict[str, Any]] = []
        """What was asked, as it arrived."""
        self.lock = threading.Lock()
        self.now = self.most = 0
        """Calls under way, and the most there ever were."""


class _Handler(ChatHandler):
    server: Playing

    def answer(self) -> None:
        with self.server.lock:
            act = self.server.acts[min(len(self.server.bodies), len(self.server.acts) - 1)]
            self.server.bodies.append(self.body)
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            act(self)
        finally:
            with self.server.lock:
                self.server.now -= 1


def replies(status: int, content: str, headers: Mapping[str, str] = MappingProxyType({})) -> Act:
    """A reply of that status and content."""
    return lambda handler: handler.send(status, content, headers)


def says(text: str | None, finish_reason: str = "stop", *, tokens: tuple[int, int] = (3, 2)) -> Act:
    """A good chat completion of so many tokens read and written."""
    return replies(200, chat_completion(text, finish_reason, tokens=tokens))


def says_thinking(text: str, thoughts: str | None = None, *, written: int, counted: int | None = None) -> Act:
    """A good reply whose thoughts are delivered apart; with the provider's own count of their tokens."""
    message = {"content": text} | ({"reasoning_content": thoughts} if thoughts is not None else {})
    details = {"completion_tokens_details": {"reasoning_tokens": counted}} if counted is not None else {}
    return replies(200, chat_completions([message], tokens=(3, written), **details))


def says_each(*texts: str | None, tokens: tuple[int, int] = (3, 2)) -> Act:
    """As many choices as a call asks for, as far as the texts reach; the tokens are those of all of them."""

    def act(handler: _Handler) -> None:
        messages = [{"content": text} for text in texts[: handler.body.get("n", 1)]]
        replies(200, chat_completions(messages, tokens=tokens))(handler)

    return act


def refuses(status: int, message: str, headers: Mapping[str, str] = MappingProxyType({})) -> Act:
    """An error as providers send them."""
    return replies(status, json.dumps({"error": {"message": message}}), headers)


def complains_of(complaints: Mapping[str, str], otherwise: Act) -> Act:
    """A bad request for every call with one of these parameters, in these words; another act for the rest."""

    def act(handler: _Handler) -> None:
        refused = [words for name, words in complaints.items() if name in handler.body]
        (refuses(400, refused[0]) if refused else otherwise)(handler)

    return act


def says_after(seconds: float, text: str) -> Act:
    """A good reply that takes its time."""

    def act(handler: _Handler) -> None:
        handler.server.closing.wait(seconds)
        says(text)(handler)

    return act


def hangs(handler: _Handler) -> None:
    """Nothing, for as long as the server lives."""
    handler.server.closing.wait(60)


def hangs_up(handler: _Handler) -> None:
    """A connection reset instead of a reply."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def playing(*acts: Act) -> AbstractContextManager[Playing]:
    """A server that plays while the context is open."""
    return running(Playing(*acts))
