"""`local:MODEL`: a vLLM server that magdi starts, waits for, uses and always stops."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.protocols import Completion, Engine, Report, Request
from magdi_cli.engines.guard import guarded
from magdi_cli.engines.logfile import last_lines, log_file
from magdi_cli.engines.loopback import free_port
from magdi_cli.engines.weights import ResolvedModel

START_SECONDS = 900.0
"""The longest wait for a server: a hub model is downloaded first."""
STOP_SECONDS = 10.0
GPU_SHARE = 0.9

Serve = Callable[..., AbstractAsyncContextManager[Engine]]
"""Opens the engine of a `provider/model` at an `api_base`."""

SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_LOGGING_LEVEL": "WARNING", "VLLM_NO_USAGE_STATS": "1"}
"""What the server finds in its environment, where the user has not set it."""


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """A served model under its own name: the port changes from run to run, the model does not."""

    engine: Engine
    model: str
    """`local:` and the model's name."""

    async def generate(self, request: Request) -> Completion:
        """The server's completion."""
        return await self.engine.generate(request)


@asynccontextmanager
async def open_local(
    model: ResolvedModel, serve: Serve, *, seed: int, share: float, report: Report
) -> AsyncIterator[Engine]:
    """An engine over a server of its own, called through `serve`; `share` is its part of the GPU's memory."""
    if importlib.util.find_spec("vllm") is None:
        raise EnvironmentProblem(
            f"local:{model.hub_id} needs vLLM; pip install 'magdi-cli[cpu]', or 'magdi-cli[gpu]' beside an NVIDIA GPU"
        )
    name, port = model.hub_id.rstrip("/").split("/")[-1], free_port()
    command = server_command(model, name, port, seed=seed, share=share)
    report.note(f"starting a vLLM server for {name}")
    with guarded(), log_file("server") as log, running(command, log) as server:
        await wait_until_healthy(server, f"http://127.0.0.1:{port}/health", log, longest_seconds=START_SECONDS)
        api_base = f"http://127.0.0.1:{port}/v1"
        async with serve(f"hosted_vllm/{name}", api_base=api_base) as engine:
            yield LocalEngine(engine, f"local:{model.hub_id}#{seed}")


def server_command(model: ResolvedModel, name: str, port: int, *, seed: int, share: float) -> list[str]:
    """The command line of a server; `vllm serve` itself does not run under vllm-cpu."""
    return [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", model.path, "--served-model-name", name),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--seed", str(seed % 2**31), "--max-model-len", "auto"),
        *("--gpu-memory-utilization", f"{GPU_SHARE * share:.3f}"),
        # compiling takes longer than a debate saves by it
        "--enforce-eager",
    ]


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A command in a process group of its own; the whole group is ended, politely first."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=SETTINGS | os.environ,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end_group(process)


async def wait_until_healthy(
    server: "subprocess.Popen[bytes]", address: str, log: Path, *, longest_seconds: float
) -> None:
    """Return once the address answers; an `EnvironmentProblem` with the log's end when the server gives up."""
    deadline = time.monotonic() + longest_seconds
    while not await asyncio.to_thread(_answers, address):
        if server.poll() is not None:
            raise EnvironmentProblem(f"the local server ended with code {server.returncode}:\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise EnvironmentProblem(f"the local server did not answer in {longest_seconds:g} s:\n{last_lines(log)}")
        await asyncio.sleep(0.25)


def _answers(address: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    _signal_group(process, signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:
        # the server may be gone and its engine not
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
