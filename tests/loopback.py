"""An OpenAI-compatible server on loopback, for teachers that cost nothing and remember what they were asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[str], str]
"""The reply's text for a prompt."""


class Server(ThreadingHTTPServer):
    """Replies to every chat with `answering`, after `seconds`."""

    daemon_threads = True

    def __init__(self, answering: Answering, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answering, self.seconds = answering, seconds
        self.prompts: list[str] = []
        """Prompts whose reply was sent to the end, in that order."""

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed hang up; that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        time.sleep(self.server.seconds)
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": self.server.answering(prompt)},
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.server.prompts.append(prompt)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def serving(answering: Answering, *, seconds: float = 0.0) -> Iterator[Server]:
    """A server that runs while the context is open."""
    server = Server(answering, seconds)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
