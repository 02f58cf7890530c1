from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.errors import DataProblem, UnknownName, UsageProblem
from magdi_cli.core.evaluate_config import CompareConfig
from magdi_cli.core.evaluation import Prediction, Sample
from magdi_cli.core.problem import Answer
from magdi_cli.core.records import write_records
from magdi_cli.evaluate.comparing import run
from magdi_cli.evaluate.comparison import Comparison
from tests.reports import Heard
from tests.strategies import problem

Verdicts = Mapping[str, str]
"""A `+` or `-` for each problem, by task."""


def predicted(task: str, number: int, right: bool, gold: str) -> Prediction:
    answer = Answer(gold if right else "9")
    return Prediction(
        problem=replace(problem(f"{task}-{number}", gold=gold), task=task),
        samples=(Sample(text="so", answer=answer, completion_tokens=1),),
        answer=answer,
        correct=right,
    )


def store(run_dir: Path, subject: str, verdicts: Verdicts, gold: str = "4") -> None:
    for task, signs in verdicts.items():
        records = [predicted(task, number, sign == "+", gold) for number, sign in enumerate(signs)]
        write_records(run_dir / f"evaluations/{subject}--{task}/predictions.jsonl", records)


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., Comparison]:
    def compare(a: str, b: str, report: Heard | None = None, **settings: Any) -> Comparison:
        return run(CompareConfig(a=a, b=b, run_dir=tmp_path, resamples=2000, **settings), report or Heard())

    return compare


def test_problems_are_compared_one_by_one(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    store(tmp_path, "base", {"sums": "+" * 4 + "-" * 30 + "+" + "-" * 5})
    store(tmp_path, "graph", {"sums": "+" * 4 + "+" * 30 + "-" + "-" * 5})
    (pair,) = compare("base", "graph").tasks
    assert (pair.n, pair.both, pair.only_a, pair.only_b, pair.neither) == (40, 4, 1, 30, 5)
    assert (pair.accuracy_a, pair.accuracy_b, pair.difference) == pytest.approx((5 / 40, 34 / 40, 29 / 40))
    assert pair.interval is not None
    assert 0.5 < pair.interval[0] < 29 / 40 < pair.interval[1] < 0.9
    assert pair.p_value == pair.p_adjusted == pytest.approx(2 * 32 / 2**31)
    assert (pair.better, pair.verdict) == ("b", "graph is better")
    assert pair.lost == ("sums-34",)
    assert len(pair.gained) == 30


def test_the_other_way_round_everything_is_mirrored(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    store(tmp_path, "base", {"sums": "+-" * 20})
    store(tmp_path, "graph", {"sums": "+" * 40})
    (there,), (back,) = compare("base", "graph").tasks, compare("graph", "base").tasks
    assert (there.difference, there.better, there.gained) == (-back.difference, "b", back.lost)
    assert (back.better, back.verdict) == ("a", "graph is better")
    assert there.p_value == back.p_value


def test_too_few_problems_are_said_to_be_too_few_and_how_many_it_would_take(
    tmp_path: Path, compare: Callable[..., Comparison]
) -> None:
    store(tmp_path, "base", {"sums": "+" * 10 + "-" * 10})
    store(tmp_path, "graph", {"sums": "+" * 12 + "-" * 8})
    (pair,) = compare("base", "graph").tasks
    assert pair.better == "unclear"
    assert pair.problems_needed is not None
    assert pair.problems_needed > 20
    assert pair.smallest_shown > pair.difference == pytest.approx(0.1)
    assert pair.verdict == (
        f"too few problems to tell: 20 show differences from about {100 * pair.smallest_shown:.1f} points on; "
        f"the 10.0 seen here would need about {pair.problems_needed}"
    )


def test_equal_answers_need_no_number(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    store(tmp_path, "base", {"sums": "+-+-"})
    (pair,) = compare("base", "base").tasks
    assert (pair.difference, pair.interval, pair.p_value, pair.problems_needed) == (0, (0.0, 0.0), 1.0, None)


def test_further_seeds_of_a_student_count_as_one_subject(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    store(tmp_path, "base", {"sums": "-" * 60})
    for name, right in (("graph", 40), ("graph--seed-1", 50), ("graph--seed-12", 60)):
        store(tmp_path, name, {"sums": "+" * right + "-" * (60 - right)})
    (pair,) = compare("base", "graph").tasks
    assert (pair.seeds_a, pair.seeds_b, pair.accuracy_b) == (1, 3, pytest.approx(150 / 180))
    assert (pair.p_value, pair.only_a, pair.both, pair.interval_b) == (None, None, None, None)
    assert pair.better == "b"
    (alone,) = compare("base", "graph--seed-1").tasks
    assert (alone.seeds_b, alone.only_b) == (1, 50)


def test_several_tasks_are_judged_together_and_averaged(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    better, equal = "+" * 12 + "-" * 28, "+-" * 20
    store(tmp_path, "base", {"sums": "+" * 5 + "-" * 35, "more": equal, "rest": equal, "mine": "+"})
    store(tmp_path, "graph", {"sums": better, "more": equal, "rest": equal})
    comparison = compare("base", "graph")
    assert [pair.task for pair in comparison.tasks] == ["more", "rest", "sums"]
    sums = comparison.tasks[2]
    assert sums.p_value == pytest.approx(2 / 2**7)
    assert sums.p_adjusted == pytest.approx(6 / 2**7)
    assert comparison.average is not None
    assert comparison.average.difference == pytest.approx(7 / 40 / 3)
    assert comparison.average.interval is not None
    only = compare("base", "graph", task="sums")
    assert (len(only.tasks), only.average) == (1, None)
    assert only.tasks[0].better == "b"


def test_problems_that_only_one_has_are_left_out_and_counted(
    tmp_path: Path, compare: Callable[..., Comparison]
) -> None:
    store(tmp_path, "base", {"sums": "+" * 10})
    store(tmp_path, "graph", {"sums": "+" * 7})
    report = Heard()
    (pair,) = compare("base", "graph", report).tasks
    assert (pair.n, pair.left_out) == (7, 3)
    assert report.warnings == ["sums: 3 of 10 problems are left out, as only some have answered them"]


def test_files_and_folders_are_sides_too(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    store(tmp_path, "base", {"sums": "+-"})
    store(tmp_path, "graph", {"sums": "++"})
    folder = tmp_path / "evaluations"
    named = compare(str(folder / "base--sums"), str(folder / "graph--sums/predictions.jsonl"))
    assert (named.a, named.b) == ("base--sums", "graph--sums")
    assert named.tasks == compare("base", "graph").tasks


def test_equal_ids_of_other_problems_are_refused(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    store(tmp_path, "base", {"sums": "++"})
    store(tmp_path, "graph", {"sums": "++"}, gold="5")
    with pytest.raises(DataProblem, match="problem 'sums-0' has another question or gold answer"):
        compare("base", "graph")


def test_what_cannot_be_compared_is_told(tmp_path: Path, compare: Callable[..., Comparison]) -> None:
    with pytest.raises(DataProblem, match="run magdi evaluate first"):
        compare("base", "graph")
    store(tmp_path, "base", {"sums": "++"})
    store(tmp_path, "graph", {"more": "++"})
    with pytest.raises(DataProblem, match="have no task in common: base has sums; graph has more"):
        compare("base", "graph")
    with pytest.raises(DataProblem, match="not evaluated by both: sums"):
        compare("base", "graph", task="sums")
    with pytest.raises(UnknownName, match="close: graph"):
        compare("base", "grap")
    with pytest.raises(UsageProblem, match="takes two subjects"):
        compare("base", "")
