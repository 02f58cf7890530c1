"""How fast debates are beside the bare calls, and what they cost in memory; printed, not judged.

The bar for the ratio of wall times is 1.25, at 64 calls under way to a provider that takes 200 ms.
"""

import asyncio
import json
import subprocess
import time
from pathlib import Path

import pytest

from magdi_cli.core.config import DebateConfig
from magdi_cli.core.records import read_records
from magdi_cli.debate.prompts import REPLY_SCHEMA
from magdi_cli.debate.stage import run
from magdi_cli.engines.recorded import Call
from tests.benchmarks.provider import REPLY, provider
from tests.commands import MAGDI, clean
from tests.reports import Heard

pytestmark = pytest.mark.bench
SECONDS = 0.2
AT_ONCE = 64
DEBATES = 128
RUNS = 3
BAR = 1.25
MANY = 20_000
LOOKS = (2_000, 10_000, 20_000)
"""Debates after which the memory is looked at."""
CALLS_A_DEBATE = 6


def settings(folder: Path, address: str, limit: int) -> DebateConfig:
    seats = ",".join(f"{name}=hosted_vllm/toy?api_base={address}" for name in "abc")
    return DebateConfig(
        run_dir=folder,
        task="arithmetic",
        teachers=seats,
        limit=limit,
        rounds=1,
        stop="never",
        concurrency=str(AT_ONCE),
    )


def debated(folder: Path, address: str, limit: int = DEBATES) -> float:
    """Seconds of a debate run."""
    started = time.perf_counter()
    run(settings(folder, address, limit), Heard(), lambda _: None)
    return time.perf_counter() - started


def called(calls: list[Call], address: str) -> float:
    """Seconds of the same calls, made by litellm alone."""
    import litellm

    async def call_all() -> float:
        room = asyncio.Semaphore(AT_ONCE)

        async def call(each: Call) -> None:
            async with room:
                await litellm.acompletion(
                    model="hosted_vllm/toy",
                    messages=[{"role": m.role, "content": m.content} for m in each.messages],
                    api_base=address,
                    temperature=each.sampling.temperature,
                    max_tokens=each.sampling.max_tokens,
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": "reply", "schema": dict(REPLY_SCHEMA)},
                    },
                )

        started = time.perf_counter()
        await asyncio.gather(*(call(each) for each in calls))
        seconds = time.perf_counter() - started
        await litellm.close_litellm_async_clients()
        return seconds

    return asyncio.run(call_all())


def calls_a_second(address: str) -> float:
    """What the provider itself can take."""
    port = int(address.rpartition(":")[2].partition("/")[0])
    asked = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(10):
            writer.write(asked)
            await reader.readexactly(len(REPLY))
        writer.close()

    async def ask_all() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(4 * AT_ONCE)))
        return 4 * AT_ONCE * 10 / (time.perf_counter() - started)

    return asyncio.run(ask_all())


def test_debates_beside_the_same_calls_by_litellm_alone(tmp_path: Path) -> None:
    with provider(SECONDS) as address:
        print(f"\nthe provider takes {calls_a_second(address):.0f} calls/s")
        debated(tmp_path / "first", address)  # whatever is slow only once is over after it
        calls = list(read_records(tmp_path / "first/debates/calls.jsonl", Call))
        assert len(calls) == DEBATES * CALLS_A_DEBATE
        rounds = []
        for number in range(RUNS):
            ways = {
                "ours": lambda n=number: debated(tmp_path / str(n), address),
                "bare": lambda: called(calls, address),
            }
            order = list(ways) if number % 2 else list(reversed(ways))
            rounds.append({way: ways[way]() for way in order})
            ours, bare = rounds[-1]["ours"], rounds[-1]["bare"]
            print(f"{len(calls)} calls: magdi debate {ours:.2f} s, litellm alone {bare:.2f} s, {ours / bare:.2f} times")
    ours_sorted, bare_sorted = (sorted(each[way] for each in rounds) for way in ("ours", "bare"))
    least, middle = (ours_sorted[i] / bare_sorted[i] for i in (0, RUNS // 2))
    print(f"least {least:.2f} times, median {middle:.2f} times; the bar is {BAR}")


def simulated(folder: Path) -> list[str]:
    problems = folder / "mine.jsonl"
    rows = ({"id": f"q{n}", "question": f"What is {n} + {n + 7}?", "answer": str(2 * n + 7)} for n in range(MANY))
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fixed = ["--teachers", "a=sim,b=sim,c=sim", "--rounds", "1", "--stop", "never", "--quiet", "--limit", "0"]
    return [*MAGDI, "debate", str(problems), *fixed, "--run-dir", str(folder)]


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    (line,) = (line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def lines_in(path: Path, start: int) -> tuple[int, int]:
    """Lines of a file from byte `start` on, and where it ends now."""
    if not path.exists():
        return 0, 0
    with path.open("rb") as handle:
        handle.seek(start)
        more = handle.read()
    return more.count(b"\n"), start + len(more)


def watched(command: list[str], records: Path) -> tuple[float, dict[int, int]]:
    """Seconds of a debate run, and its memory when so many debates were written."""
    looks: dict[int, int] = {}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=clean(), stdout=subprocess.DEVNULL)
    written, end = lines_in(records, 0)
    waiting = [look for look in LOOKS if look > written]
    while process.poll() is None:
        time.sleep(0.05)
        more, end = lines_in(records, end)
        written += more
        while waiting and written >= waiting[0] - 1:
            looks[waiting.pop(0)] = resident(process.pid)
    assert process.returncode == 0
    return time.perf_counter() - started, looks


def test_memory_and_speed_of_many_simulated_debates_and_of_their_replay(tmp_path: Path) -> None:
    command = simulated(tmp_path)
    seconds, looks = watched(command, tmp_path / "debates/debates.jsonl")
    print(f"\n{MANY} debates, {MANY * CALLS_A_DEBATE} calls in {seconds:.1f} s: {MANY / seconds:.0f} debates/s")
    for look, size in looks.items():
        print(f"{look:6} debates: {size / 1e6:.0f} MB")
    first, last = min(looks), max(looks)
    grown = (looks[last] - looks[first]) / ((last - first) * CALLS_A_DEBATE)
    print(f"{grown:.0f} bytes a call")
    started = time.perf_counter()
    subprocess.run(command, env=clean(), stdout=subprocess.DEVNULL, check=True)
    print(f"replayed in {time.perf_counter() - started:.1f} s")
