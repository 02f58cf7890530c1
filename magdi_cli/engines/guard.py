"""A watcher that outlives its owner for one purpose: to end what the owner started.

vLLM's engine processes go on, gigabytes and all, when the process that started them is killed with -9.
While `guarded`, a small process of its own notes the owner's descendants and kills them once the owner is gone.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

EVERY_SECONDS = 0.5

Processes = dict[int, tuple[int, str]]
"""Parent and start time by process id; the start time tells a process from a later one with its id."""


@contextmanager
def guarded() -> Iterator[None]:
    """While open, all that this process starts ends with it, however it ends."""
    if not Path("/proc/self/stat").exists():
        yield  # where there is no /proc, there is no vLLM either
        return
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watcher.kill()
        watcher.wait()


def watch(owner: int) -> None:
    """Wait for the owner's death, then kill every descendant it had."""
    known: Processes = {}
    while os.getppid() == owner:
        known = _descendants({owner}, _processes())
        time.sleep(EVERY_SECONDS)
    now = _processes()
    still = {pid for pid, (_, started) in known.items() if pid in now and now[pid][1] == started}
    for pid in still | set(_descendants(still, now)):
        if pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> Processes:
    found: Processes = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                # the name in parentheses may hold anything, spaces included
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                found[int(entry.name)] = (int(fields[1]), fields[19])
    return found


def _descendants(roots: set[int], processes: Processes) -> Processes:
    family = set(roots)
    grown = True
    while grown:
        children = {pid for pid, (parent, _) in processes.items() if parent in family} - family
        family |= children
        grown = bool(children)
    return {pid: processes[pid] for pid in family - roots if pid in processes}


if __name__ == "__main__":
    watch(int(sys.argv[1]))
