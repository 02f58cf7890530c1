"""math-verify behind a wall: a process of its own, which may hang, run out of memory or die without harm to us."""

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import IO

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.tasks.judgement import Verdict

WORKER = Path(__file__).with_name("latex_worker.py")


class LatexWorker:
    """A long-lived process that compares expressions, one question at a time; replaced when it fails to answer."""

    def __init__(self, *, patience_seconds: float = 5.0, start_seconds: float = 120.0) -> None:
        self._patience_seconds = patience_seconds
        self._start_seconds = start_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def compare(self, one: str, other: str) -> Verdict:
        """Whether two expressions are equal; too slow or too hostile a pair is not."""
        with self._lock:
            process = self._running()
            question = json.dumps([one, other]).encode() + b"\n"
            reply = _ask(process, question, self._patience_seconds)
            if reply is None:
                late = process.poll() is None
                self._stop()
                return Verdict(correct=False, method="latex-timeout" if late else "latex-crash")
            return Verdict(correct=json.loads(reply) is True, method="latex")

    def close(self) -> None:
        """End the process; a later question starts another."""
        with self._lock:
            self._stop()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        # -P: the worker's folder must not shadow the standard library's modules; its own session, so that
        # Ctrl-C reaches us alone
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if _ask(self._process, b"", self._start_seconds) is None:
            self._stop()
            raise EnvironmentProblem(
                f"math-verify does not start under {sys.executable}; reinstall it: pip install math-verify"
            )
        return self._process

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _close_quietly(pipe)
        self._process = None


def _ask(process: "subprocess.Popen[bytes]", question: bytes, seconds: float) -> bytes | None:
    """The worker's next line; None where it does not come in time or ever."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(question)
        process.stdin.flush()
    except BrokenPipeError:
        return None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        # a line is written in one piece and far shorter than a pipe's buffer
        return process.stdout.readline() or None if selector.select(seconds) else None


def _close_quietly(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except BrokenPipeError:
        return


_worker = LatexWorker()
atexit.register(_worker.close)


@lru_cache(maxsize=4096)
def judge(one: str, other: str) -> Verdict:
    """Whether two LaTeX expressions are mathematically equal, by the process all threads share."""
    return _worker.compare(one, other)
