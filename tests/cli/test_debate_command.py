"""`magdi debate` in real processes, its teachers real HTTP servers on loopback."""

import json
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.commands import MAGDI, clean, magdi
from tests.files import debates_held
from tests.loopback import Server, serving

PROBLEMS = 12


def problems_file(folder: Path) -> Path:
    """Problems whose question carries a token that tells whose reply a reply is."""
    path = folder / "mine.jsonl"
    rows = [
        {"id": f"q{n}", "question": f"What is {n} + {n}? [token-{n}]", "answer": str(2 * n)} for n in range(PROBLEMS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answering(prompt: str) -> str:
    """Two peers that never agree: half of the prompts get a wrong answer."""
    token = re.findall(r"\[token-(\d+)\]", prompt)[0]
    wrong = "previous" in prompt or len(prompt) % 2
    return json.dumps(
        {"reasoning": f"token-{token} says so", "answer": str(2 * int(token) + wrong), "confidence_level": 0.8}
    )


def command(server: Server, *more: str) -> list[str]:
    seats = ",".join(
        f"{name}=hosted_vllm/toy?api_base={server.api_base}&temperature=0.{n}" for n, name in enumerate("ab", 1)
    )
    return [
        "debate",
        "mine.jsonl",
        "--teachers",
        seats,
        "--rounds",
        "1",
        "--stop",
        "never",
        "--concurrency",
        "2",
        *more,
    ]


def test_a_debate_over_http_is_recorded_whole_and_no_reply_strays(tmp_path: Path) -> None:
    problems_file(tmp_path)
    with serving(answering) as server:
        done = magdi(*command(server, "--json"), cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert (summary["schema"], summary["debates"], summary["usage"]["calls"]) == ("magdi.debate-summary/1", 12, 48)
    debates = debates_held(tmp_path)
    assert [debate.problem.id for debate in debates] == [f"q{n}" for n in range(PROBLEMS)]
    for number, debate in enumerate(debates):
        assert [turn.text for turn in debate.turns] == [f"token-{number} says so"] * 4
        assert [turn.parents for turn in debate.turns] == [(), (), (0, 1), (0, 1)]
        assert all(turn.usage.completion_tokens == 5 for turn in debate.turns)
    assert (tmp_path / "runs/default/debates/manifest.json").exists()


def without_timings(path: Path) -> list[object]:
    return [json.loads(re.sub(r'"seconds":[0-9.e-]+', '"seconds":0', line)) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_debate_resumes_without_paying_twice_and_ends_as_if_undisturbed(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    problems_file(tmp_path)
    with serving(answering, seconds=0.05) as server:
        magdi(*command(server, "--run-dir", "undisturbed"), cwd=tmp_path)
        assert len(server.prompts) == 48
        server.prompts.clear()
        process = subprocess.Popen(
            [*MAGDI, *command(server, "--run-dir", "disturbed")],
            cwd=tmp_path,
            env=clean(),
            stderr=subprocess.PIPE,
            text=True,
        )
        calls = tmp_path / "disturbed/debates/calls.jsonl"
        while not calls.exists() or calls.read_bytes().count(b"\n") < 15:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, said = process.communicate()
        assert process.returncode == code
        assert "resume with: magdi debate mine.jsonl" in said
        completed = calls.read_bytes().count(b"\n")
        assert 15 <= completed < 48
        magdi(*command(server, "--run-dir", "disturbed"), cwd=tmp_path)
    # two seats ask the same opening question, so a prompt is rightly sent twice; calls under way at the end may repeat
    assert 48 <= len(server.prompts) <= 48 + 2
    assert calls.read_bytes().count(b"\n") == 48
    keys = Counter(json.loads(line)["key"] for line in calls.read_text().splitlines())
    assert set(keys.values()) == {1}
    assert without_timings(tmp_path / "disturbed/debates/debates.jsonl") == without_timings(
        tmp_path / "undisturbed/debates/debates.jsonl"
    )


def test_a_finished_debate_is_not_held_again_and_a_larger_limit_goes_on(tmp_path: Path) -> None:
    problems_file(tmp_path)
    with serving(answering) as server:
        magdi(*command(server, "--limit", "4"), cwd=tmp_path)
        assert len(server.prompts) == 16
        done = magdi(*command(server, "--limit", "4"), cwd=tmp_path)
        assert "all 4 debates are in" in done.stderr
        magdi(*command(server, "--limit", "6"), cwd=tmp_path)
        assert len(server.prompts) == 24
        done = magdi(*command(server, "--limit", "6", "--seed", "1"), cwd=tmp_path, code=3)
        assert "seed: 0 there, 1 here" in done.stderr


def test_without_keys_every_missing_variable_is_named_before_any_call(tmp_path: Path) -> None:
    done = magdi("debate", "--teachers", "gpt-4,claude-2,gemini", cwd=tmp_path, code=4)
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        assert variable in done.stderr
    assert not (tmp_path / "runs").exists()


def test_debates_stream_into_graphs(tmp_path: Path) -> None:
    program = " ".join(MAGDI)
    debate = f'{program} debate --task arithmetic --limit 5 --teachers "a=sim,b=sim?accuracy=0.4" -o -'
    pipe = f"{debate} | {program} build-graph - -o -"
    done = subprocess.run(pipe, shell=True, cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True)
    streamed = done.stdout.splitlines()
    assert [json.loads(line)["schema"] for line in streamed] == ["magdi.graph/1"] * 5
    assert (tmp_path / "runs/default/graphs/graphs.jsonl").read_text().splitlines() == streamed


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        ("debate --teachers a=sim,b=sim -", "", 3, "no problems"),
        ("debate --teachers a=sim,b=sim none.jsonl", None, 3, "cannot read none.jsonl: No such file"),
        ("debate --teachers a=sim,b=sim --task gsm9k", None, 2, "close: gsm8k"),
        ("debate --teachers a=sim,gtp-4", None, 2, "close: gpt-4"),
        ("debate --teachers a=sim", None, 2, "2"),
        ("debate --task arithmetic", None, 2, "--teachers"),
        ("build-graph -", "", 3, "no debates in <stdin>"),
        ("build-graph -", "{}\n", 3, "<stdin>:1: "),
        ("build-graph none.jsonl", None, 3, "cannot read none.jsonl"),
        ("build-graph", None, 3, "run magdi debate first"),
        ("distill", None, 3, "run magdi build-graph first"),
        ("distill --level grap", None, 2, "close: graph"),
        ("evaluate", None, 2, "--task"),
        ("efficiency", None, 3, "run magdi debate and magdi evaluate first"),
    ],
)
def test_bad_input_gets_its_code_and_one_line(
    tmp_path: Path, arguments: str, stdin: str | None, code: int, said: str
) -> None:
    done = magdi(*arguments.split(), cwd=tmp_path, stdin=stdin, code=code)
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
