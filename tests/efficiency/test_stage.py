import json
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.config import EfficiencyConfig
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.problem import Answer
from magdi_cli.core.records import encode
from magdi_cli.core.usage import Usage
from magdi_cli.efficiency.stage import run
from tests.reports import Heard
from tests.strategies import problem


def write_debates(folder: Path) -> None:
    (folder / "debates").mkdir(parents=True)
    turns = tuple(
        Turn(
            agent=agent,
            round=0,
            text="t",
            answer=Answer("4"),
            confidence=None,
            usage=Usage(calls=1, prompt_tokens=99, completion_tokens=30, cost_usd=0.5),
        )
        for agent in "ab"
    )
    debate = Debate(problem=problem(), agents=("a", "b"), turns=turns, stopped="agreement", answer=Answer("4"))
    (folder / "debates" / "debates.jsonl").write_bytes(encode(debate))


def write_evaluation(folder: Path, **changes: Any) -> None:
    values: dict[str, Any] = {
        "subject": "graph", "task": "toy", "split": "test", "n": 4, "correct": 2, "unanswered": 0, "accuracy": 0.5,
        "interval": (0.15, 0.85), "self_consistency": 1, "sample_accuracy": 0.5, "pass_at_k": 0.5, "vote_entropy": 0.0,
        "tokens_per_question": 20.0, "usage": Usage(seconds=36.0), "seed": 0, "engine": "vllm",
    }  # fmt: skip
    evaluation = Evaluation(**values | changes)
    path = folder / "evaluations" / f"{evaluation.subject}--{evaluation.task}" / "evaluation.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(encode(evaluation))


def test_a_run_is_compared_with_its_own_debates(tmp_path: Path) -> None:
    write_debates(tmp_path)
    write_evaluation(tmp_path)
    result = run(EfficiencyConfig(run_dir=tmp_path, gpu_hour=2.0), Heard())
    team, student = result.rows
    assert (team.system, team.tokens_per_question, team.accuracy, team.cost_usd, team.ratio) == (
        "debate",
        60,
        1.0,
        1.0,
        1.0,
    )
    assert (student.system, student.ratio) == ("graph", 3.0)
    assert student.cost_usd == pytest.approx(36 / 3600 * 2 / 4)
    assert json.loads((tmp_path / "efficiency" / "efficiency.json").read_text())["schema"] == "magdi.efficiency/1"
    assert (tmp_path / "efficiency" / "manifest.json").exists()


def test_money_is_not_guessed(tmp_path: Path) -> None:
    write_evaluation(tmp_path, self_consistency=10)
    heard = Heard()
    (row,) = run(EfficiencyConfig(run_dir=tmp_path), heard).rows
    assert (row.system, row.cost_usd, row.ratio) == ("graph, vote of 10", None, None)
    assert "nothing to compare" in heard.warnings[0]


def test_nothing_to_compare_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="run magdi debate and magdi evaluate first"):
        run(EfficiencyConfig(run_dir=tmp_path), Heard())
