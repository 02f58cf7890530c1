"""`magdi debate --dry-run` in real processes: no network, no key, nothing written, nothing heavy imported."""

import json
import sys
from pathlib import Path

from tests.commands import magdi

OFFLINE = """
import atexit, os, socket, sys

def refuse(*arguments, **settings):
    os.write(2, b"THE NETWORK WAS ASKED FOR\\n")
    raise OSError("no network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
atexit.register(lambda: os.write(2, ("MODULES " + " ".join(sys.modules)).encode()))
"""
HEAVY = {"litellm", "openai", "torch", "transformers", "vllm", "datasets"}
DRY = ("debate", "--task", "arithmetic", "--dry-run", "--teachers")


def test_no_network_no_key_nothing_written_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(OFFLINE)
    (tmp_path / "here").mkdir()
    path = ":".join([str(tmp_path / "site"), *filter(None, sys.path)])

    done = magdi(*DRY, "gpt-4,claude-2,gemini", "--json", cwd=tmp_path / "here", PYTHONPATH=path, HOME=str(tmp_path))

    found = json.loads(done.stdout)
    assert (found["schema"], found["debates"]) == ("magdi.debate-forecast/1", 20)
    assert 0 < found["totals"][0]["cost_usd"] < found["totals"][1]["cost_usd"] < found["totals"][2]["cost_usd"]
    said, _, modules = done.stderr.partition("MODULES ")
    assert "THE NETWORK WAS ASKED FOR" not in said
    assert "magdi_cli.debate.forecast" in modules.split()
    assert not {module.partition(".")[0] for module in modules.split()} & HEAVY
    assert "gpt-4 needs OPENAI_API_KEY" in said
    assert list((tmp_path / "here").iterdir()) == []


def test_what_comes_next_is_said_after_debates_and_not_after_a_dry_run(tmp_path: Path) -> None:
    seats = "a=sim?price=1:2,b=sim"
    dry = magdi(*DRY, seats, "--limit", "2", cwd=tmp_path)
    assert "next:" not in dry.stderr
    assert "--max-cost USD" in dry.stderr
    real = magdi("debate", "--task", "arithmetic", "--limit", "2", "--teachers", seats, cwd=tmp_path)
    assert "next: magdi build-graph" in real.stderr


def test_the_money_stands_in_dollars_beside_what_is_assumed(tmp_path: Path) -> None:
    shown = magdi(*DRY, "a=sim?price=2:8,b=hosted_vllm/toy?api_base=https://far.example/v1", cwd=tmp_path).stdout
    low, usual, ceiling = (line for line in shown.splitlines() if line[2:10].strip() in ("low", "expected", "ceiling"))
    assert "50% of debates go on after a round" in usual
    assert all("$" in line for line in (low, usual, ceiling))
    (unpriced,) = (line for line in shown.splitlines() if line.startswith("│ b "))
    assert unpriced.count("unknown") == 3


def test_settings_of_another_run_are_named_with_the_code_a_real_run_would_end_with(tmp_path: Path) -> None:
    seats = "a=sim,b=sim"
    magdi("debate", "--task", "arithmetic", "--limit", "2", "--teachers", seats, cwd=tmp_path)
    dry = magdi(*DRY, seats, "--limit", "2", "--seed", "1", cwd=tmp_path)
    assert "warning: a real run would end with code 3" in dry.stderr
    assert "seed: 0 there, 1 here" in dry.stderr
