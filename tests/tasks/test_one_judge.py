"""Labels of graphs, accuracies of students and of teams come from one judge: the golden replies, through all three."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.build_graph.stage import run as build_graphs
from magdi_cli.core.config import BuildGraphConfig, EfficiencyConfig
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Prediction, Sample
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import read_records, write_records
from magdi_cli.efficiency.stage import run as compare
from magdi_cli.evaluate.stage import run as evaluate
from tests.debates import debate, turn
from tests.reports import Heard
from tests.tasks.problems import CASES, TASK_OF_KIND, problem_of


@pytest.mark.parametrize("kind", list(TASK_OF_KIND))
def test_every_stage_finds_the_same_answers_right(tmp_path: Path, kind: str) -> None:
    cases = [case for case in CASES if case["kind"] == kind]
    problems = [asked(case, number) for number, case in enumerate(cases)]
    held = [
        debate(turn("ada", 0, case["answer"]), turn("ben", 0, None), answer=case["answer"], problem=problem)
        for case, problem in zip(cases, problems, strict=True)
    ]
    sampled = [
        Prediction(
            problem=problem,
            samples=(Sample(text=case["text"], answer=None, completion_tokens=1),),
            answer=None,
            correct=False,
        )
        for case, problem in zip(cases, problems, strict=True)
    ]
    write_records(tmp_path / "debates" / "debates.jsonl", held)
    predictions = tmp_path / "evaluations" / f"theirs--{TASK_OF_KIND[kind]}" / "predictions.jsonl"
    write_records(predictions, sampled)
    build_graphs(BuildGraphConfig(run_dir=tmp_path), Heard(), lambda _: None)
    evaluate(EvaluateConfig(run_dir=tmp_path, student="theirs", rescore=True), Heard(), lambda _: None)
    graphs = read_records(tmp_path / "graphs" / "graphs.jsonl", InteractionGraph)
    expected = [case["correct"] for case in cases]
    assert True in expected
    assert False in expected
    assert [graph.nodes[0].correct for graph in graphs] == expected
    assert [prediction.correct for prediction in read_records(predictions, Prediction)] == expected
    for row in compare(EfficiencyConfig(run_dir=tmp_path), Heard()).rows:
        assert row.accuracy == pytest.approx(sum(expected) / len(expected))


def asked(case: dict[str, Any], number: int) -> Problem:
    """The case's problem, under an id of its own."""
    return replace(
        problem_of(case["kind"], Answer(case["gold"]), tuple(case["choices"])), id=f"{case['kind']}-{number}"
    )
