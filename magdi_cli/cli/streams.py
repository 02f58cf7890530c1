"""stdout is the result and nothing else, owned at file-descriptor level.

While a command runs, descriptor 1 points at stderr: whatever a library, a C extension or a child
process prints lands there, and only the handle yielded here reaches the real stdout.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO


class ReaderGone(Exception):
    """Whoever read our stdout has closed it."""


class Sink:
    """The real stdout."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle

    def write(self, data: bytes) -> None:
        """Write and flush; `ReaderGone` when nobody reads any more."""
        try:
            self._handle.write(data)
            self._handle.flush()
        except BrokenPipeError:
            raise ReaderGone from None

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads it."""
        return self._handle.isatty()


@contextlib.contextmanager
def owned_stdout() -> Iterator[Sink]:
    """The real stdout, while everybody else's goes to stderr."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    python_stdout, sys.stdout = sys.stdout, sys.stderr
    handle = os.fdopen(saved, "wb", closefd=False)
    try:
        yield Sink(handle)
    finally:
        with contextlib.suppress(BrokenPipeError):
            handle.close()
        sys.stdout = python_stdout
        os.dup2(saved, 1)
        os.close(saved)
