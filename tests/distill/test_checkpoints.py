"""What a stopped training goes on from is the very base that it began with."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.records import write_records
from magdi_cli.distill.leaving.results import DistillResult
from magdi_cli.distill.stage import run
from tests.distill.graphs import graph
from tests.reports import Heard, StoppedAfter


@pytest.fixture
def base(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "base"))


@pytest.fixture
def distill(base: Path, tmp_path: Path) -> Callable[..., DistillResult]:
    write_records(tmp_path / "graphs" / "graphs.jsonl", [graph(["-++", "+-+"], number=n) for n in range(1, 5)])

    def distill(report: Heard | None = None, **settings: Any) -> DistillResult:
        settings = {"max_steps": 4, "batch_size": 2} | settings
        return run(DistillConfig(run_dir=tmp_path, student=str(base), **settings), report or Heard())

    return distill


def change(base: Path) -> None:
    """Other weights, as a newer version of the model has them."""
    file = base / "model.safetensors"
    save_file({name: 1.01 * value for name, value in load_file(file).items()}, file, {"format": "pt"})


def test_a_run_does_not_go_on_where_the_weights_of_its_base_have_changed(
    base: Path, distill: Callable[..., DistillResult]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        distill(StoppedAfter(2))
    change(base)
    with pytest.raises(DataProblem, match=r"changed since .*checkpoint-2 was made; .* --resume never"):
        distill()
    assert distill(resume="never").counts["steps"] == 4


def test_what_failed_before_its_first_step_is_bound_to_no_settings_and_no_base(
    base: Path, tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    long = graph(["-+", "+-"], number=9, texts=["word " * 500, *["No."] * 3])
    write_records(tmp_path / "graphs" / "graphs.jsonl", [long])
    with pytest.raises(UsageProblem, match="--max-length 2048 leaves out"):
        distill(max_length=4096)
    change(base)
    assert distill(max_length=2048).counts["dropped_nodes"] == 1
