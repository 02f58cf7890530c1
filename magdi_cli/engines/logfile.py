"""Where the chatter of engines goes: a file, whose end is shown when an engine does not start."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHOWN_LINES = 15


@contextmanager
def log_file(name: str) -> Iterator[Path]:
    """A file for one engine's output; deleted in the end."""
    handle, path = tempfile.mkstemp(prefix=f"magdi-{name}-", suffix=".log")
    os.close(handle)
    try:
        yield Path(path)
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """All output of this process into a file, C code's too; processes started meanwhile keep writing there."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    log = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, before in enumerate(kept, start=1):
            os.dup2(before, stream)
        for opened in (log, *kept):
            os.close(opened)


def last_lines(path: Path) -> str:
    """The end of a log, for an error message."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"  | {line[:300]}" for line in lines[-SHOWN_LINES:]) or "  | (it wrote nothing)"
