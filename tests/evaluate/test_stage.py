import json
from pathlib import Path

import pytest

from magdi_cli.core.errors import DataProblem, GateFailed, UnknownName, UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Prediction, Sample
from magdi_cli.core.protocols import Sampling
from magdi_cli.core.records import decode, encode
from magdi_cli.engines.subject import find_subject
from magdi_cli.evaluate.asked import sampling_of
from magdi_cli.evaluate.stage import run
from tests.reports import Heard
from tests.strategies import problem


@pytest.mark.parametrize(
    ("settings", "sampling"),
    [
        ({}, Sampling(temperature=0.0, n=1)),
        ({"temperature": 0.3}, Sampling(temperature=0.3, n=1)),
        ({"self_consistency": 10}, Sampling(temperature=0.7, n=10)),
        ({"self_consistency": 4, "temperature": 1.0, "max_tokens": 9}, Sampling(temperature=1.0, n=4, max_tokens=9)),
    ],
)
def test_one_sample_is_greedy_and_several_are_drawn(settings: dict[str, float], sampling: Sampling) -> None:
    assert sampling_of(EvaluateConfig(**settings)) == sampling  # type: ignore[arg-type]


def test_several_greedy_samples_are_refused() -> None:
    with pytest.raises(UsageProblem, match="10 equal samples; raise --temperature"):
        sampling_of(EvaluateConfig(self_consistency=10, temperature=0.0))


def test_a_run_without_a_debate_must_say_what_to_answer(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="give --task"):
        run(EvaluateConfig(run_dir=tmp_path), Heard(), lambda _: None)


def test_a_run_without_a_student_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"no student in .*run magdi distill first"):
        run(EvaluateConfig(run_dir=tmp_path, task="arithmetic", limit=1), Heard(), lambda _: None)


def test_an_untrained_level_says_how_to_train_it(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="run magdi distill --level all-nodes first"):
        run(EvaluateConfig(run_dir=tmp_path, task="arithmetic", student="an", limit=1), Heard(), lambda _: None)


def test_an_unknown_student_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"close: .*graph"):
        run(EvaluateConfig(run_dir=tmp_path, task="arithmetic", student="grap", limit=1), Heard(), lambda _: None)


@pytest.mark.parametrize("name", ["graph", "graph--seed-1", "single-teacher--openai%2Fgpt-4o"])
def test_a_student_of_a_ladder_goes_by_its_folders_name(tmp_path: Path, name: str) -> None:
    folder, base = tmp_path / "students" / name, tmp_path / "base"
    folder.mkdir(parents=True)
    base.mkdir()
    (base / "config.json").write_text("{}")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    subject = find_subject(tmp_path, name)
    assert (subject.name, subject.adapter) == (name, folder)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Predictions of another program, judged wrongly there."""
    folder = tmp_path / "evaluations" / "theirs--toy"
    folder.mkdir(parents=True)
    lines = [
        Prediction(
            problem=problem(id=str(i)),
            samples=(Sample(text=text, answer=None, completion_tokens=3),),
            answer=None,
            correct=False,
        )
        for i, text in enumerate(["So the answer is 4.", "So the answer is 5.", "no idea"])
    ]
    (folder / "predictions.jsonl").write_bytes(b"".join(map(encode, lines)))
    return folder


def test_stored_predictions_are_judged_again_with_no_model_and_no_manifest(tmp_path: Path, stored: Path) -> None:
    streamed: list[bytes] = []
    evaluation = run(EvaluateConfig(run_dir=tmp_path, student="theirs", rescore=True), Heard(), streamed.append)
    assert (evaluation.n, evaluation.correct, evaluation.unanswered) == (3, 1, 1)
    assert (evaluation.subject, evaluation.task, evaluation.engine) == ("theirs", "toy", "unknown")
    assert (stored / "predictions.jsonl").read_bytes() == b"".join(streamed)
    assert decode(Prediction, streamed[0], "here").correct
    again = run(EvaluateConfig(run_dir=tmp_path, student="theirs", task="toy", rescore=True), Heard(), lambda _: None)
    assert again == evaluation


def test_rescoring_what_is_not_there_lists_what_is(tmp_path: Path, stored: Path) -> None:
    with pytest.raises(DataProblem, match=r"no graph--toy/predictions.jsonl in .*; there is: theirs--toy"):
        run(EvaluateConfig(run_dir=tmp_path, student="graph", task="toy", rescore=True), Heard(), lambda _: None)


def test_a_gate_fails_after_everything_is_written(tmp_path: Path, stored: Path) -> None:
    with pytest.raises(GateFailed, match=r"accuracy 0.333 of theirs on toy is below --fail-under 0.5"):
        run(EvaluateConfig(run_dir=tmp_path, student="theirs", rescore=True, fail_under=0.5), Heard(), lambda _: None)
    assert (stored / "evaluation.json").exists()
