"""Providers that misbehave: an HTTP server on loopback that plays a script, one act per call."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["_Handler"], None]
"""What the server does with one call."""


class Playing(ThreadingHTTPServer):
    """Plays the acts in order, the last one for ever."""

    daemon_threads = True

    def __init__(self, acts: Sequence[Act]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.acts = acts
        self.bodies: list[dict[str, Any]] = []
        """What was asked, as it arrived."""
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.now = self.most = 0
        """Calls under way, and the most there ever were."""

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up are part of the play."""


class _Handler(BaseHTTPRequestHandler):
    server: Playing
    body: dict[str, Any]

    def do_POST(self) -> None:
        self.body = body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            act = self.server.acts[min(len(self.server.bodies), len(self.server.acts) - 1)]
            self.server.bodies.append(body)
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            act(self)
        finally:
            with self.server.lock:
                self.server.now -= 1

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def replies(status: int, content: str, headers: Mapping[str, str] | None = None) -> Act:
    """A reply of that status and content."""

    def act(handler: _Handler) -> None:
        data = content.encode()
        handler.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | dict(headers or {})).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return act


def says(text: str | None, finish_reason: str = "stop", *, tokens: tuple[int, int] = (3, 2)) -> Act:
    """A good chat completion of so many tokens read and written."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": finish_reason, "message": message}
    read, written = tokens
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    return replies(200, json.dumps(body))


def refuses(status: int, message: str, headers: Mapping[str, str] | None = None) -> Act:
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


@contextmanager
def playing(*acts: Act) -> Iterator[Playing]:
    """A server that plays while the context is open."""
    server = Playing(acts)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
