"""The guard: what a process started under it does not outlive that process."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
OWNER = f"""
import subprocess, sys, time
from magdi_cli.engines.guard import guarded
with guarded():
    child = subprocess.Popen(
        [sys.executable, "-c", {PARENT!r}], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    print(child.pid, flush=True)
    time.sleep(float(sys.argv[1]))
"""


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def grandchild_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not children.read_text().split():
        time.sleep(0.02)
    return int(children.read_text().split()[0])


def gone(*pids: int) -> bool:
    """Whether the processes end within the patience of a busy machine."""
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(alive(pid) for pid in pids)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_children_and_grandchildren_die_with_an_owner_killed_with_9() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, "60"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    grandchild = grandchild_of(child)
    time.sleep(1.2)  # the guard looks twice a second
    owner.kill()
    owner.communicate()

    assert owner.returncode == -signal.SIGKILL
    assert gone(child, grandchild)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_an_owner_that_ends_well_is_left_alone() -> None:
    done = subprocess.run([sys.executable, "-c", OWNER, "1"], capture_output=True, text=True, check=True)
    child = int(done.stdout)
    grandchild = grandchild_of(child)

    assert alive(child)
    subprocess.run(["kill", "-9", str(child), str(grandchild)], check=True)
