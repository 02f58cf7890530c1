"""Every command of the README is run: here, in the end-to-end tests (the demo), or by CI itself (make test)."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import torch

from magdi_cli.core.evaluation import Prediction, Sample
from magdi_cli.core.records import encode
from tests.commands import MAGDI, clean
from tests.strategies import problem

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
MAKE, DEMO, BARE, DEVICES, OWN, SHOW, IMPORT, JUDGE, RESCORE, GATES = BLOCKS
(SEATS,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def commands(script: str) -> list[list[str]]:
    """The `magdi` lines of a shell script, split into words."""
    joined = script.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.startswith("magdi ")]


def run(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    program = shlex.join(MAGDI)
    script = re.sub(r"(?:^|(?<=\| ))magdi ", f"{program} ", line)
    return subprocess.run(script, shell=True, cwd=folder, env=clean(), capture_output=True, text=True, check=False)


def test_the_demo_in_the_readme_is_the_demo_that_runs() -> None:
    assert commands(DEMO) == commands((ROOT / "examples" / "arithmetic.sh").read_text())


def test_the_make_targets_exist_and_the_demo_runs_the_example() -> None:
    targets = re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {line.removeprefix("make ") for line in MAKE.split("\n") if line} <= set(targets)
    told = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "examples/arithmetic.sh" in told.stdout


OUTCOMES = (
    (4, "OPENAI_API_KEY"),
    (3, "run magdi debate first"),
    (3, "run magdi build-graph first"),
    (2, "give --task"),
    (3, "run magdi debate and magdi evaluate first"),
)
"""Exit code and message of the bare lines where there are neither keys nor artifacts."""


JUDGED = (
    (8, "cannot load openai/gsm8k from the Hugging Face hub"),
    (8, "cannot load openai/gsm8k from the Hugging Face hub"),
    (3, "run magdi debate first"),
    (3, "run magdi evaluate first"),
    (0, ""),
)
"""The same of the lines that judge."""


@pytest.mark.parametrize(("line", "outcome"), list(zip(JUDGE.splitlines(), JUDGED, strict=True)))
def test_the_lines_that_judge_parse_and_say_what_is_missing(
    tmp_path: Path, line: str, outcome: tuple[int, str]
) -> None:
    done = run(line.partition("   #")[0], tmp_path)
    assert (done.returncode, outcome[1] in done.stderr) == (outcome[0], True), done.stderr


def test_a_gate_needs_what_it_compares_with(tmp_path: Path) -> None:
    done = run(GATES.strip(), tmp_path)
    assert (done.returncode, "main.json" in done.stderr) == (3, True), done.stderr


@pytest.mark.parametrize(("line", "outcome"), list(zip(BARE.splitlines(), OUTCOMES, strict=True)))
def test_the_five_bare_lines_parse_and_say_what_is_missing(tmp_path: Path, line: str, outcome: tuple[int, str]) -> None:
    done = run(line, tmp_path)
    assert (done.returncode, outcome[1] in done.stderr) == (outcome[0], True), done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="what there is to say is said without a GPU")
@pytest.mark.parametrize(
    ("line", "outcome"),
    list(
        zip(
            DEVICES.splitlines(),
            [(2, "no GPU to count"), (0, "accelerate.commands.launch"), (3, "run magdi build-graph first")],
            strict=True,
        )
    ),
)
def test_the_lines_for_several_devices_parse_and_do_what_they_can_here(
    tmp_path: Path, line: str, outcome: tuple[int, str]
) -> None:
    done = run(line, tmp_path)
    assert done.returncode == outcome[0]
    assert outcome[1] in done.stdout + done.stderr


def test_own_problems_are_debated_and_streamed_into_graphs(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "What is 3 + 4?", "answer": "7", "rationale": "3 + 4 = 7."}\n')
    first, second = OWN.splitlines()
    assert run(first, tmp_path).returncode == 0
    done = run(second, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problem"]["task"] == "mine"
    assert (tmp_path / "runs/mine/debates/manifest.json").exists()
    assert (tmp_path / "runs/piped/graphs/manifest.json").exists()


def test_stored_answers_are_judged_again(tmp_path: Path) -> None:
    folder = tmp_path / "runs/default/evaluations/base--toy"
    folder.mkdir(parents=True)
    sample = Sample(text="So the answer is 4.", answer=None, completion_tokens=6)
    stored = Prediction(problem=problem(), samples=(sample,), answer=None, correct=False)
    (folder / "predictions.jsonl").write_bytes(encode(stored))
    done = run(RESCORE.strip(), tmp_path)
    assert json.loads(done.stdout)["accuracy"] == 1.0


def test_a_finished_run_is_read_back_as_the_readme_says(tmp_path: Path) -> None:
    held = run("magdi debate --task arithmetic --limit 3 --teachers a=sim,b=sim?accuracy=0.4", tmp_path)
    assert held.returncode == 0, held.stderr
    for line in SHOW.splitlines():
        done = run(line, tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_seat_of_the_readme_is_one(tmp_path: Path) -> None:
    (tmp_path / "seats.toml").write_text(SEATS + SEATS.replace("sceptic", "believer"))
    done = run("magdi teachers --teachers-file seats.toml --json", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["name"] for row in json.loads(done.stdout)["teachers"]] == ["sceptic", "believer"]


MESSAGES = [
    {"role": "user", "content": "What is 3 + 4?"},
    {"role": "assistant", "name": "ada", "content": "3 + 4 = 7. So the answer is 7."},
    {"role": "assistant", "name": "ben", "content": "I agree. So the answer is 7."},
]
FOREIGN = {
    "outputs-a.jsonl": {"qid": "q", "question": "What is 3 + 4?", "gold": "7", "outputs": [
        {"model": "a", "round": 0, "text": "So the answer is 7.", "answer": "7"}]},
    "outputs-b.jsonl": {"qid": "q", "question": "What is 3 + 4?", "gold": "7", "outputs": [
        {"model": "b", "round": 0, "text": "So the answer is 8.", "answer": "8"}]},
    "GSM8K_1000.json": [{"question": "What is 3 + 4?", "gold_answer": "7",
                         "claude_output_0": {"reasoning": "3 + 4 = 7.", "answer": "7"},
                         "bard_output_0": {"reasoning": "A guess.", "answer": "8"}}],
    "chats.jsonl": {"question": "What is 3 + 4?", "answer": "7", "messages": MESSAGES},
    "test.jsonl": {"question": "Who was asked something else?", "answer": "1"},
}  # fmt: skip
"""Files of others, as the README names them."""


@pytest.mark.parametrize("line", IMPORT.splitlines())
def test_graphs_are_built_as_the_readme_says(tmp_path: Path, line: str) -> None:
    for name, content in FOREIGN.items():
        (tmp_path / name).write_text(json.dumps(content) + "\n")
    held = run("magdi debate --task arithmetic --limit 20 --teachers a=sim,b=sim?accuracy=0.4", tmp_path)
    assert held.returncode == 0, held.stderr
    done = run(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/default/graphs/manifest.json").exists()
    assert (tmp_path / "page.html").exists() == ("--html" in line)
    assert (tmp_path / "runs/default/graphs/trl-dpo.jsonl").exists() == ("trl-dpo" in line)
