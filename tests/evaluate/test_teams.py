from pathlib import Path

import pytest

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluations, Prediction
from magdi_cli.core.problem import Answer
from magdi_cli.core.records import encode, read_records, write_records
from magdi_cli.core.usage import Usage
from magdi_cli.evaluate.stage import run
from tests.reports import Heard
from tests.strategies import problem


def turn(agent: str, number: int, answer: str | None, *, failed: bool = False) -> Turn:
    usage = Usage(calls=1, prompt_tokens=7, completion_tokens=10, cost_usd=0.5)
    if failed:
        return Turn(agent=agent, round=number, text="", answer=None, confidence=None, usage=usage, error="timeout")
    said = Answer(answer) if answer else None
    return Turn(agent=agent, round=number, text="because", answer=said, confidence=0.9, usage=usage)


def debate(id: str, answer: str | None, *turns: Turn) -> Debate:
    said = Answer(answer) if answer else None
    return Debate(problem=problem(id), agents=("ada", "ben/x"), turns=turns, stopped="rounds", answer=said)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    debates = [
        debate("p1", "4", turn("ada", 0, "4"), turn("ben/x", 0, "5"), turn("ada", 1, "4.0"), turn("ben/x", 1, "4")),
        debate("p2", "5", turn("ada", 0, None), turn("ben/x", 0, "5"), turn("ada", 1, "5"), turn("ben/x", 1, "5")),
        debate("p3", None, turn("ada", 0, None, failed=True), turn("ben/x", 0, None)),
    ]
    write_records(tmp_path / "debates/debates.jsonl", debates)
    return tmp_path


def judged(run_dir: Path) -> Evaluations:
    result = run(EvaluateConfig(run_dir=run_dir, debates=True), Heard(), lambda _: None)
    assert isinstance(result, Evaluations)
    return result


def test_the_team_and_each_teacher_alone_are_judged_like_any_model(run_dir: Path) -> None:
    team, ada, ben = judged(run_dir).evaluations
    assert [one.subject for one in (team, ada, ben)] == ["debate", "teacher--ada", "teacher--ben%2Fx"]
    assert [(one.n, one.correct, one.unanswered) for one in (team, ada, ben)] == [(3, 1, 1), (3, 1, 2), (3, 0, 1)]
    assert [one.tokens_per_question for one in (team, ada, ben)] == pytest.approx([100 / 3, 10, 10])
    assert team.usage.cost_usd == 5.0
    assert team.engine == "debates"


def test_a_teams_samples_are_its_last_words(run_dir: Path) -> None:
    judged(run_dir)
    stored = list(read_records(run_dir / "evaluations/debate--toy/predictions.jsonl", Prediction))
    assert [[sample.answer for sample in one.samples] for one in stored] == [["4.0", "4"], ["5", "5"], [None]]
    assert [one.answer for one in stored] == ["4", "5", None]
    assert [(one.rule, one.method) for one in stored] == [("reply", "exact"), ("reply", "number"), (None, "no-answer")]


def test_debates_are_judged_anew_each_time(run_dir: Path) -> None:
    first = judged(run_dir)
    assert judged(run_dir) == first
    more = debate("p4", "4", turn("ada", 0, "4"), turn("ben/x", 0, "4"))
    with (run_dir / "debates/debates.jsonl").open("ab") as handle:
        handle.write(encode(more))
    assert judged(run_dir).evaluations[0].n == 4


def test_rescoring_leaves_debates_to_themselves(run_dir: Path) -> None:
    judged(run_dir)
    report = Heard()
    with pytest.raises(DataProblem, match="nothing was judged again"):
        run(EvaluateConfig(run_dir=run_dir, rescore=True, student="debate"), report, lambda _: None)
    assert "magdi evaluate --debates" in report.warnings[0]


def test_no_debates_of_a_task_is_told(run_dir: Path) -> None:
    with pytest.raises(DataProblem, match="holds no debates on gsm8k"):
        run(EvaluateConfig(run_dir=run_dir, debates=True, task="gsm8k"), Heard(), lambda _: None)
