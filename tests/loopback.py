"""OpenAI-compatible servers on loopback, and one for teachers that cost nothing and remember what they were asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, TypeVar

Answering = Callable[[str], str]
"""The reply's text for a prompt."""


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port of this machine."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.closing = threading.Event()
        """Set as soon as the server is to end."""

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up or are killed hang up; that is what some tests are about."""


class ChatHandler(BaseHTTPRequestHandler):
    """One call."""

    body: dict[str, Any]
    """What was asked."""

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer()

    def answer(self) -> None:
        """Reply to the body."""
        raise NotImplementedError

    def send(self, status: int, content: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """A whole reply; it is JSON unless a header says otherwise."""
        data = content.encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | dict(headers)).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def chat_completion(
    text: str | None, finish_reason: str = "stop", *, model: str = "m", tokens: tuple[int, int] = (3, 2)
) -> str:
    """A good chat completion of so many tokens read and written."""
    return chat_completions([{"content": text}], finish_reason, model=model, tokens=tokens)


def chat_completions(
    messages: Sequence[Mapping[str, Any]],
    finish_reason: str = "stop",
    *,
    model: str = "m",
    tokens: tuple[int, int] = (3, 2),
    **counted: Any,
) -> str:
    """A good chat completion of several choices, of so many tokens altogether; `counted` is more of its usage."""
    choices = [
        {"index": index, "finish_reason": finish_reason, "message": {"role": "assistant", **message}}
        for index, message in enumerate(messages)
    ]
    read, written = tokens
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written, **counted}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": model, "choices": choices, "usage": usage}
    return json.dumps(body)


AServer = TypeVar("AServer", bound=LoopbackServer)


@contextmanager
def running(server: AServer) -> Iterator[AServer]:
    """The server, which serves while the context is open."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Server(LoopbackServer):
    """Replies to every chat with `answering`, after `seconds`."""

    def __init__(self, answering: Answering, seconds: float) -> None:
        super().__init__(_Handler)
        self.answering, self.seconds = answering, seconds
        self.models = ["m"]
        self.prompts: list[str] = []
        """Prompts whose reply was sent to the end, in that order."""


class _Handler(ChatHandler):
    server: Server

    def do_GET(self) -> None:
        """The list of models, wherever it is asked for."""
        self.send(200, json.dumps({"object": "list", "data": [{"id": name} for name in self.server.models]}))

    def answer(self) -> None:
        prompt = self.body["messages"][-1]["content"]
        time.sleep(self.server.seconds)
        self.send(200, chat_completion(self.server.answering(prompt), model=self.body["model"], tokens=(10, 5)))
        self.server.prompts.append(prompt)


def serving(answering: Answering, *, seconds: float = 0.0) -> AbstractContextManager[Server]:
    """A server that answers while the context is open."""
    return running(Server(answering, seconds))
