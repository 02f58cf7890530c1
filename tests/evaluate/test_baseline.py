import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluation import Evaluation, Evaluations
from magdi_cli.core.records import encode
from magdi_cli.evaluate.baseline import Baseline, read_baseline
from tests.evaluate.made import evaluation, some, stored

ONE = evaluation()
TWO = Evaluations(evaluations=(ONE, evaluation(2, task="svamp")))


def read(text: str) -> Baseline:
    baseline = read_baseline(text)
    assert baseline is not None
    return baseline


def found(baseline: Baseline) -> list[Evaluation]:
    return [one.evaluation for one in baseline.earlier]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.json"
    path.write_bytes(encode(ONE))
    return path


def test_no_option_is_no_baseline() -> None:
    assert read_baseline(None) is None


@pytest.mark.parametrize(
    ("behind", "drop"), [("", 0.0), (":", 0.0), (":0.01", 0.01), (": 1 ", 1.0), (":1e-3", 0.001), (":0", 0.0)]
)
def test_the_drop_stands_behind_the_last_colon_and_is_0_without_one(old: Path, behind: str, drop: float) -> None:
    baseline = read(f"{old}{behind}")
    assert (baseline.name, baseline.drop, found(baseline)) == (str(old), drop, [ONE])


@pytest.mark.parametrize("name", ["a:b.json", "10:30:00.json", "run:0.5", "at:0.5:x"])
@pytest.mark.parametrize(("behind", "drop"), [("", 0.0), (":0.25", 0.25)])
def test_a_path_may_hold_colons(tmp_path: Path, name: str, behind: str, drop: float) -> None:
    (tmp_path / name).write_bytes(encode(ONE))
    baseline = read(f"{tmp_path / name}{behind}")
    assert (baseline.name, baseline.drop) == (str(tmp_path / name), drop)


@given(st.floats(0, 1))
def test_every_share_is_read_back_as_the_drop_that_it_is(tmp_path_factory: pytest.TempPathFactory, drop: float) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(encode(ONE))
    assert read(f"{path}:{drop!r}").drop == drop


@pytest.mark.parametrize(
    ("behind", "why"),
    [
        (":1%", "write 0.01 instead of 1%"),
        (":-0.1", "share from 0 to 1"),
        (":1.5", "share from 0 to 1"),
        (":nan", "share from 0 to 1"),
        (":inf", "share from 0 to 1"),
        (":0,01", "'0,01' is not a number"),
        (":little", "'little' is not a number"),
    ],
)
def test_what_is_no_share_is_a_wrong_usage(old: Path, behind: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        read_baseline(f"{old}{behind}")


def test_a_drop_without_a_file_is_a_wrong_usage() -> None:
    with pytest.raises(UsageProblem, match="names no file"):
        read_baseline(":0.01")


@pytest.mark.parametrize("behind", ["", ":0.01"])
def test_a_wrong_path_is_named(tmp_path: Path, behind: str) -> None:
    with pytest.raises(DataProblem, match=r"cannot read .*gone:1\.json: No such file"):
        read_baseline(f"{tmp_path / 'gone:1.json'}{behind}")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not one JSON document"),
        (encode(ONE) + encode(ONE), "not one JSON document"),
        (b"[1]", "not an evaluation of magdi's"),
        (b'{"results": {"gsm8k": {"exact_match,none": 0.5}}}', "not an evaluation of magdi's"),
        (encode(some()[0]), "not an evaluation of magdi's"),
        (encode(ONE).replace(b'"n"', b'"m"'), "m: unknown key"),
        (encode(Evaluations(evaluations=())), "no evaluation in"),
    ],
)
def test_what_is_no_evaluation_is_refused_with_its_place(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "old.json").write_bytes(content)
    with pytest.raises(DataProblem, match=rf"(?s){why}") as refused:
        read_baseline(str(tmp_path / "old.json"))
    assert "old.json" in str(refused.value)


def test_several_evaluations_of_one_command_are_all_there(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(encode(TWO))
    assert found(read(str(tmp_path / "old.json"))) == list(TWO.evaluations)


def test_the_results_of_lm_eval_are_read_from_our_block(tmp_path: Path) -> None:
    document = {"results": {}, "magdi": json.loads(encode(TWO))}
    (tmp_path / "results_1.json").write_text(json.dumps(document, indent=2))
    assert found(read(f"{tmp_path / 'results_1.json'}:0.1")) == list(TWO.evaluations)


@pytest.mark.parametrize("below", [".", "evaluations", "evaluations/graph--toy"])
def test_a_folder_may_be_an_evaluation_a_runs_evaluations_or_the_run(tmp_path: Path, below: str) -> None:
    made = stored(tmp_path / "evaluations", some())
    (one,) = read(f"{tmp_path / below}:0.01").earlier
    assert (one.evaluation, one.folder) == (made.evaluation, made.folder)


def test_an_empty_folder_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="no evaluation in"):
        read_baseline(f"{tmp_path}:0.01")


def names(subject: str = "graph", task: str = "toy") -> dict[str, Any]:
    return {"subject": subject, "task": task}


@pytest.mark.parametrize(
    ("there", "now", "like"),
    [
        ([("graph", "toy")], [("graph", "toy")], "graph"),
        ([("graph", "toy"), ("base", "toy")], [("graph", "toy")], "graph"),
        ([("base", "toy")], [("graph", "toy")], "base"),
        ([("base", "toy")], [("graph", "toy"), ("base", "toy")], None),
        ([("base", "toy"), ("other", "toy")], [("graph", "toy")], None),
        ([("graph", "svamp")], [("graph", "toy")], None),
        ([("base", "toy"), ("graph", "svamp")], [("graph", "toy"), ("base", "svamp")], "base"),
    ],
)
def test_the_same_subject_is_compared_or_the_only_one_of_the_task(
    there: list[tuple[str, str]], now: list[tuple[str, str]], like: str | None, tmp_path: Path
) -> None:
    earlier = Evaluations(evaluations=tuple(evaluation(subject=subject, task=task) for subject, task in there))
    (tmp_path / "old.json").write_bytes(encode(earlier))
    match = read(str(tmp_path / "old.json")).like("graph", "toy", now)
    assert (match.evaluation.subject if match else None) == like


def test_a_baseline_about_other_tasks_is_refused_before_anything_runs(old: Path) -> None:
    with pytest.raises(DataProblem, match="holds graph on toy; there is nothing to compare graph on svamp with"):
        read(str(old)).check_comparable([("graph", "svamp")])
    read(str(old)).check_comparable([("graph", "svamp"), ("graph", "toy")])


def test_an_earlier_evaluation_of_nothing_is_nothing_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(encode(evaluation(0, 0)))
    with pytest.raises(DataProblem, match="nothing to compare"):
        read(str(tmp_path / "old.json")).check_comparable([("graph", "toy")])
