"""Several processes train the student that one would have trained."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from magdi_cli.cli.launching import accelerate_arguments
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.records import write_records
from magdi_cli.distill.training.checkpoints import TRAINABLE, newest_checkpoint
from tests.commands import MAGDI, clean, magdi
from tests.distill.courses import steps, validations
from tests.distill.graphs import graph
from tests.distill.several import trained

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def alone(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    trained(tiny, folder)
    return folder


def together(tiny: Path, folder: Path, profile: str) -> Path:
    given = accelerate_arguments(DistillConfig(accelerate_config=profile, processes=2), [])
    options = given[: given.index("-m")]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *options, "-m", "tests.distill.several"]
    done = subprocess.run(
        [*launcher, str(tiny), str(folder)], cwd=ROOT, env=clean(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def weights(folder: Path) -> dict[str, Tensor]:
    checkpoint = newest_checkpoint(folder / "checkpoints")
    assert checkpoint is not None
    return load_file(checkpoint / TRAINABLE)


@pytest.mark.parametrize("profile", ["ddp", pytest.param("fsdp", marks=pytest.mark.e2e)])
def test_two_processes_measure_and_learn_what_one_does(tiny: Path, alone: Path, tmp_path: Path, profile: str) -> None:
    one, two = steps(alone), steps(together(tiny, tmp_path, profile))
    assert len(one) == len(two) == 6
    for mine, ours in zip(one, two, strict=True):
        assert ours.terms == pytest.approx(mine.terms, rel=1e-5)
        assert ours.term_gradient_norms == pytest.approx(mine.term_gradient_norms, rel=1e-3)
        assert ours.loss == pytest.approx(mine.loss, rel=1e-5)
        assert ours.gradient_norm == pytest.approx(mine.gradient_norm, rel=1e-4)
        assert (ours.accuracy, ours.texts, ours.tokens) == (mine.accuracy, mine.texts, mine.tokens)
        assert (ours.epoch, ours.learning_rate) == (mine.epoch, mine.learning_rate)
    for mine, ours in zip(validations(alone), validations(tmp_path), strict=True):
        assert (ours.step, ours.accuracy) == (mine.step, mine.accuracy)
        assert ours.terms == pytest.approx(mine.terms, rel=1e-5)
        assert ours.answers == (mine.answers if profile == "ddp" else None)
    torch.testing.assert_close(weights(tmp_path), weights(alone), atol=1e-5, rtol=1e-4)
    sharded = list(tmp_path.glob("checkpoints/*/pytorch_model_fsdp.bin"))
    assert bool(sharded) == (profile == "fsdp")


@pytest.mark.e2e
def test_a_run_whose_process_was_killed_goes_on_and_leaves_one_student(tiny: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "graphs" / "graphs.jsonl", [graph(["-++", "+-+"], number=n) for n in range(1, 6)])
    settings = ["--student", str(tiny), "--max-steps", "40", "--batch-size", "2"]
    command = ["distill", "--run-dir", str(tmp_path), *settings, "--launch", "accelerate", "--processes", "2", "--json"]
    folder = tmp_path / "students" / "graph"
    with subprocess.Popen([*MAGDI, *command], env=clean(), stderr=subprocess.PIPE, text=True, cwd=ROOT) as started:
        wait_until(lambda: newest_checkpoint(folder / "checkpoints") is not None)
        second = next(p for p in psutil.Process(started.pid).children() if p.environ()["RANK"] == "1")
        second.kill()
        _, stderr = started.communicate(timeout=60)
    assert started.returncode == EnvironmentProblem.exit_code
    assert "error: process 1 was ended by SIGKILL" in stderr
    assert "all up to the newest checkpoint is kept; resume with: magdi distill" in stderr
    assert "Traceback" not in stderr
    resumed = magdi(*command, cwd=ROOT)
    assert resumed.stderr.count("continuing from checkpoint-") == 1
    assert json.loads(resumed.stdout)["counts"]["steps"] == 40
    assert [step.step for step in steps(folder)] == list(range(1, 41))
    assert (folder / "adapter_model.safetensors").is_file()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)
