"""A command as it is seen from outside: what it printed, how long it took, what it and its children held in memory."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A finished command."""

    output: str
    seconds: float
    peak_bytes: int
    """The most that all of its processes together held; memory that they share is counted once."""


def watch(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Watched:
    """Run a command to its good end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    held, ended = [0], Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            held.append(sum(map(_held_bytes, _family(process.pid))))

    looking = Thread(target=look)
    looking.start()
    try:
        output, errors = process.communicate()
    finally:
        ended.set()
        looking.join()
    assert process.returncode == 0, f"code {process.returncode}\n{output}\n{errors}"
    return Watched(output=output, seconds=time.perf_counter() - started, peak_bytes=max(held))


def _family(pid: int) -> Iterator[int]:
    """A process, its children, and theirs."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(children).split():
            yield from _family(int(child))


def _held_bytes(pid: int) -> int:
    """A process's share of the memory it is in."""
    found = [line.split() for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines() if line.startswith("Pss:")]
    return int(found[0][1]) * 1024 if found else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""
