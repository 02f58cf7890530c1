from pathlib import Path

import pytest

from magdi_cli.tasks.answers import canonical, extract, verify
from magdi_cli.tasks.catalog import TASKS
from magdi_cli.tasks.loading import load_problems
from magdi_cli.tasks.prompts import completion_text

pytestmark = pytest.mark.data


@pytest.mark.parametrize("task", [name for name, task in TASKS.items() if task.hub])
def test_every_gold_verifies_and_is_read_back(data_dir: Path, task: str) -> None:
    splits = sorted(path.stem for path in (data_dir / "benchmarks" / task).glob("*.jsonl"))
    assert splits
    for split in splits:
        for problem in load_problems(task, split, data_dir=data_dir / "benchmarks", limit=0):
            assert verify(problem.gold, problem).method == "exact"
            assert canonical(problem.gold, problem) == problem.gold
            for reply in (completion_text("", problem.gold), f"Hence \\boxed{{{problem.gold}}}."):
                found = extract(reply, problem)
                assert found is not None
                assert found.answer == problem.gold
