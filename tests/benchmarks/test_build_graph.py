"""How long `magdi build-graph` takes and what it holds in memory, by the number of debates; printed, not judged."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import write_records

pytestmark = pytest.mark.bench
SIZES = (1_000, 10_000, 100_000)
AGENTS = ("ada", "ben", "cyd")
ROUNDS = 4
SENTENCE = "First we look at what is asked, then we work it out step by step and look again. "


def debate(number: int) -> Debate:
    """A full round table of 12 turns."""
    gold = number % 97
    turns = tuple(
        Turn(
            agent=agent,
            round=step,
            text=SENTENCE * 4 + f"So the answer is {gold}.",
            answer=Answer(str(gold + (number + seat + step) % 3 % 2)),
            confidence=0.8,
            parents=tuple(range(3 * step - 3, 3 * step)) if step else (),
        )
        for step in range(ROUNDS)
        for seat, agent in enumerate(AGENTS)
    )
    question = f"A shop has {number} boxes of {gold} pens and sells {number % 89} of them each day. What is left?"
    problem = Problem(id=f"p{number}", task="gsm8k", question=question, gold=Answer(str(gold)))
    return Debate(problem=problem, agents=AGENTS, turns=turns, stopped="rounds", answer=Answer(str(gold)))


@pytest.mark.parametrize("extra", [(), ("--val", "0.1")])
@pytest.mark.parametrize("size", SIZES)
def test_build_graph_by_size(tmp_path: Path, size: int, extra: tuple[str, ...]) -> None:
    source = tmp_path / "debates.jsonl"
    write_records(source, (debate(number) for number in range(size)))
    command = [sys.executable, "-m", "magdi_cli", "build-graph", str(source), "--json", "-q", *extra]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # a shell between, so that the peak is the command's own and not that of an earlier child
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = " ".join(("build-graph", *extra))
    print(f"\n{told}, {size} debates of 12 turns: {wall:.1f} s, {cpu:.1f} s of CPU, {done.stderr.strip()} MB at most")


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
"""
