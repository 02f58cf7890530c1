"""What `distill` costs beside PEFT alone and beside a plain pairwise loop, on real graphs; printed, not judged."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import magdi

pytestmark = pytest.mark.bench
DEBATES = ("davinci", "llama_vicuna", "chatgpt0301")
GRAPHS = 10
"""Real debates of 6 to 8 turns that each way goes over once."""
FEWER = 2
PROMPTS = (60, 200, 500)
"""Tokens; a real prompt repeated and cut."""


@pytest.fixture(scope="module")
def graphs(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = sorted((data_dir / "traces").glob("strategyqa_ford_debate_*.jsonl"))
    if len(found) < len(DEBATES):
        pytest.skip("no StrategyQA debates")
    folder = tmp_path_factory.mktemp("graphs")
    magdi("build-graph", "--from", "traces", *map(str, found), "--run-dir", "run", cwd=folder)
    return folder / "run" / "graphs" / "graphs.jsonl"


@pytest.fixture
def timed(graphs: Path) -> Callable[..., dict[str, Any]]:
    """A way of training, timed in a process of its own."""

    def run(way: str, *, count: int = GRAPHS, prompt: int = 0) -> dict[str, Any]:
        arguments = [way, str(graphs), str(count), str(prompt)]
        command = [sys.executable, "-m", "tests.benchmarks.lessons", *arguments]
        found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return found

    return run


def line(name: str, found: dict[str, Any]) -> str:
    return (
        f"{name:<24}{found['seconds']:>8.1f} s{found['tokens']:>8} tokens{found['tokens'] / found['seconds']:>6.0f} "
        f"tokens/s{found['texts']:>6} texts{found['peak_bytes'] / 1e9:>6.1f} GB"
    )


def test_against_peft_alone(timed: Callable[..., dict[str, Any]]) -> None:
    bare, apart, again = timed("bare"), timed("apart"), timed("bare")
    speeds = [found["tokens"] / found["seconds"] for found in (bare, apart, again)]
    print("\n" + "\n".join([line("PEFT alone", bare), line("magdi, no sharing", apart), line("PEFT alone", again)]))
    print(f"tokens/s against PEFT alone: {speeds[1] / (speeds[0] + speeds[2]) * 2:.2f} (promised: 0.85)")
    assert bare["texts"] == apart["texts"]
    assert bare["tokens"] == apart["tokens"]


def test_against_a_pairwise_loop(timed: Callable[..., dict[str, Any]]) -> None:
    ours, pairwise = timed("shared"), timed("pairwise")
    print("\n" + line("magdi", ours) + "\n" + line("two forwards a pair", pairwise))
    print(f"an epoch is {pairwise['seconds'] / ours['seconds']:.1f} times as fast")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_sharing_by_length_of_the_prompt(timed: Callable[..., dict[str, Any]], prompt: int) -> None:
    ways = {name: timed(name, count=FEWER, prompt=prompt) for name in ("apart", "shared", "all shared")}
    print(f"\nprompts of {prompt} tokens")
    for name, found in ways.items():
        print(f"{line(name, found)}   {ways['apart']['seconds'] / found['seconds']:.2f} times as fast")
