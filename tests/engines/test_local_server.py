"""A local server is waited for, and always ended with all that it started."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.engines.local_server import running, server_command, wait_until_healthy
from magdi_cli.engines.logfile import log_file
from magdi_cli.engines.loopback import free_port, is_loopback
from magdi_cli.engines.weights import ResolvedModel
from tests.engines.test_guard import gone, grandchild_of


def started(program: str, log: Path, port: int, *, seconds: float = 20.0) -> int:
    """The process id of a server that became healthy and was ended."""
    with running([sys.executable, "-c", program], log) as server:
        health = f"http://127.0.0.1:{port}/"
        asyncio.run(wait_until_healthy(server, health, log, longest_seconds=seconds))
        return server.pid


def test_a_server_is_waited_for_and_ended() -> None:
    port = free_port()
    program = (
        f"import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    )
    with log_file("test") as log:
        pid = started(program, log, port)

    assert gone(pid)
    assert not log.exists()


def test_a_server_that_gives_up_shows_its_last_words() -> None:
    program = "import sys; print('no room on the device', file=sys.stderr); sys.exit(3)"
    with log_file("test") as log, pytest.raises(EnvironmentProblem, match=r"code 3:\n  \| no room on the device"):
        started(program, log, free_port())


def test_a_server_that_never_answers_is_not_waited_for_for_ever() -> None:
    program = "import time; print('thinking', flush=True); time.sleep(60)"
    with log_file("test") as log, pytest.raises(EnvironmentProblem, match="did not answer in 1 s"):
        started(program, log, free_port(), seconds=1.0)


def test_what_a_server_started_ends_with_it() -> None:
    program = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); "
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    )
    with log_file("test") as log, running([sys.executable, "-c", program], log) as server:
        child = grandchild_of(server.pid)

    assert gone(server.pid, child)


def test_a_server_is_ended_when_its_user_fails() -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def use() -> None:
        with log_file("test") as log, running([sys.executable, "-c", "import time; time.sleep(60)"], log) as server:
            processes.append(server)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert gone(processes[0].pid)


def test_servers_share_the_gpu() -> None:
    model = ResolvedModel(path="/models/m", hub_id="owner/m")
    command = server_command(model, "m", 1234, seed=7, share=0.5)

    assert command[command.index("--gpu-memory-utilization") + 1] == "0.450"
    assert command[command.index("--model") + 1] == "/models/m"


@pytest.mark.parametrize("address", ["http://127.0.0.1:80/v1", "http://localhost/v1", "https://[::1]:9/v1"])
def test_this_machine_is_known_by_its_names(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/v1", "https://api.example.org/v1", "http://localhost.example.org"]
)
def test_other_machines_are_not_this_one(address: str) -> None:
    assert not is_loopback(address)
