"""`magdi distill` with validation graphs: what is said, what is written, and what a kill leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.records import write_records
from magdi_cli.distill.lessons.metrics import read_metrics, validations_of
from magdi_cli.distill.stage import DistillResult, run
from magdi_cli.distill.training.checkpoints import newest_checkpoint
from tests.commands import MAGDI, clean
from tests.distill.courses import without_time
from tests.distill.graphs import graph
from tests.reports import Heard

GRAPHS = tuple(graph(["-++", "+-+"], number=n) for n in range(1, 5))
HELD_OUT = tuple(graph(["-++", "+-+"], number=n) for n in (11, 12))


def lay_out(folder: Path, graphs: Any = GRAPHS, held_out: Any = HELD_OUT) -> None:
    """The graphs of a run, as build-graph --val leaves them."""
    write_records(folder / "graphs/graphs.jsonl", graphs)
    write_records(folder / "graphs/validation.jsonl", held_out)


@pytest.fixture
def distill(tiny: Path, tmp_path: Path) -> Callable[..., DistillResult]:
    def distill(report: Heard | None = None, **settings: Any) -> DistillResult:
        settings = {"max_steps": 4, "batch_size": 2, "eval_every": 2} | settings
        settings = {"run_dir": tmp_path} | settings
        return run(DistillConfig(student=str(tiny), **settings), report or Heard())

    return distill


def test_the_runs_validation_graphs_choose_the_student(tmp_path: Path, distill: Callable[..., DistillResult]) -> None:
    lay_out(tmp_path)
    report = Heard()
    result = distill(report)
    seen = validations_of(read_metrics(result.folder / "metrics.jsonl"))
    assert [one.step for one in seen] == [2, 4]
    assert result.validation == min(seen, key=lambda one: one.loss)
    assert result.validation.answers is None
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest["validation"]["step"] == result.validation.step
    assert any(note.startswith(f"kept step {result.validation.step} of 4: validation loss") for note in report.notes)
    assert f"| kept after step | {result.validation.step} |" in (result.folder / "README.md").read_text()
    assert distill() == result


def test_the_student_answers_the_validation_problems_when_chosen_by_accuracy(
    tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    lay_out(tmp_path)
    result = distill(select="accuracy")
    assert result.validation is not None
    assert result.validation.answers is not None
    assert result.validation.answers.n == 2
    assert "| problems answered right |" in (result.folder / "README.md").read_text()


def test_without_validation_the_last_step_is_kept_and_nothing_is_said_of_any(
    tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    lay_out(tmp_path)
    report = Heard()
    result = distill(report, validation=Path("none"))
    assert result.validation is None
    assert not any("kept" in note for note in report.notes)
    assert "validation graphs" not in (result.folder / "README.md").read_text()


def test_other_validation_graphs_under_the_same_settings_are_refused(
    tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    lay_out(tmp_path)
    distill()
    lay_out(tmp_path, held_out=HELD_OUT[:1])
    with pytest.raises(DataProblem, match="validation_sha256"):
        distill()


def test_what_is_also_trained_on_is_refused(tmp_path: Path, distill: Callable[..., DistillResult]) -> None:
    lay_out(tmp_path, held_out=GRAPHS[:1])
    with pytest.raises(DataProblem, match="1 validation problems are also trained on: p1"):
        distill()


def test_validation_graphs_that_the_level_cannot_read_are_refused(
    tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    lay_out(tmp_path, held_out=[graph(["---"], number=11)])
    with pytest.raises(DataProblem, match="level correct-nodes reads nothing of the 1 validation graphs"):
        distill(level="correct-nodes")


@pytest.mark.parametrize("every", [0.0, 2.5])
def test_an_interval_that_is_neither_share_nor_count_is_refused(
    distill: Callable[..., DistillResult], every: float
) -> None:
    with pytest.raises(UsageProblem, match="--eval-every"):
        distill(eval_every=every)


SETTINGS: dict[str, Any] = {"max_steps": 40, "batch_size": 1, "eval_every": 0.25}


def test_a_command_killed_in_the_middle_ends_like_one_that_was_not(
    tiny: Path, tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    lay_out(tmp_path)
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    lay_out(killed)
    lay_out(straight)
    _kill_after_a_checkpoint(tiny, killed)
    before = len(read_metrics(killed / "students/graph/metrics.jsonl"))
    assert 0 < before < 44
    assert not (killed / "students/graph/manifest.json").exists()
    report = Heard()
    resumed, whole = distill(report, run_dir=killed, **SETTINGS), distill(run_dir=straight, **SETTINGS)
    assert any("continuing from checkpoint" in note for note in report.notes)
    for name in ("adapter_model.safetensors", "magdi_heads.safetensors"):
        assert _tensors(resumed.folder / name) == _tensors(whole.folder / name)
    assert without_time(read_metrics(resumed.folder / "metrics.jsonl")) == without_time(
        read_metrics(whole.folder / "metrics.jsonl")
    )


def _kill_after_a_checkpoint(tiny: Path, folder: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    command = [*MAGDI, "distill", f"--run-dir={folder}", f"--student={tiny}", *options]
    process = subprocess.Popen(command, env=clean(OMP_NUM_THREADS="1"), stdout=subprocess.DEVNULL, stderr=sys.stderr)
    # to its end: one that the kill cuts off is passed over, as it should be
    while process.poll() is None and newest_checkpoint(folder / "students/graph/checkpoints") is None:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def _tensors(path: Path) -> dict[str, list[Any]]:
    return {name: tensor.tolist() for name, tensor in load_file(path).items()}
