import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.records import encode
from magdi_cli.evaluate.baseline import Baseline, Earlier
from magdi_cli.evaluate.drawn import how_drawn, temperature_of
from magdi_cli.evaluate.evaluated import Evaluated
from magdi_cli.evaluate.gates import Gates, check_gates, read_gates
from tests.evaluate.made import evaluation, some, stored

NOWHERE = Path("nowhere")


def new(*evaluations: Evaluation) -> list[Evaluated]:
    return [Evaluated(folder=NOWHERE, evaluation=one) for one in evaluations]


def against(*earlier: Evaluation, drop: float = 0.0) -> Baseline:
    return Baseline(name="old.json", drop=drop, earlier=tuple(Earlier(evaluation=one) for one in earlier))


def under(bar: float | None, *evaluations: Evaluation) -> Gates:
    return check_gates(EvaluateConfig(fail_under=bar), new(*evaluations), None)


def compared(baseline: Baseline, *evaluations: Evaluation) -> Gates:
    return check_gates(EvaluateConfig(), new(*evaluations), baseline)


def test_without_bars_there_are_no_gates_even_where_nothing_was_scored() -> None:
    assert under(None, evaluation(0, 0)) == Gates()


def test_a_low_accuracy_is_told_in_words() -> None:
    gates = under(0.5, evaluation(1, 3, subject="theirs"), evaluation(2, 3))
    assert gates.failures == ["accuracy 0.333 of theirs on toy is below --fail-under 0.5"]
    assert [gate.name for gate in gates.gates] == ["accuracy >= 0.5"] * 2


@given(st.integers(1, 2000), st.data())
def test_a_bar_that_is_met_exactly_holds(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    assert under(correct / n, evaluation(correct, n)).failures == []
    assert under(1.0, evaluation(n, n)).failures == []


def test_a_miss_by_a_hair_is_shown_with_the_digits_that_tell_it() -> None:
    (failure,) = under(0.5, evaluation(4999, 10000)).failures
    assert failure.startswith("accuracy 0.4999 of")


def test_a_bar_beyond_every_accuracy_is_a_wrong_usage() -> None:
    with pytest.raises(UsageProblem, match=r"--fail-under is 62.0; an accuracy is a share from 0 to 1"):
        read_gates(EvaluateConfig(fail_under=62.0))
    assert read_gates(EvaluateConfig(fail_under=1.0)) is None


def test_a_drop_is_told_with_both_accuracies_and_the_interval() -> None:
    gates = compared(against(evaluation(64, 100, task="gsm8k"), drop=0.01), evaluation(61, 100, task="gsm8k"))
    assert gates.failures == [
        "accuracy 0.610 of graph on gsm8k is 0.030 below the 0.640 of old.json; --fail-regression allows 0.01 "
        "(95 % interval of the new accuracy: 0.512 to 0.700)"
    ]
    assert gates.warnings == ()


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 100), st.data())
def test_a_gate_fails_exactly_where_the_drop_is_larger_than_allowed(
    n: int, before: int, percent: int, data: st.DataObject
) -> None:
    correct, was = data.draw(st.integers(0, n)), data.draw(st.integers(0, before))
    gates = compared(against(evaluation(was, before), drop=percent / 100), evaluation(correct, n))
    assert bool(gates.failures) == (Fraction(was, before) - Fraction(correct, n) > Fraction(percent, 100))


def test_a_drop_of_exactly_what_is_allowed_holds_although_floats_would_not() -> None:
    assert 0.8 - 0.7 > 0.1
    for was in range(1, 11):
        assert compared(against(evaluation(was, 10), drop=0.1), evaluation(was - 1, 10)).failures == []


def test_another_subject_is_compared_and_that_is_said() -> None:
    gates = compared(against(evaluation(3, 3, subject="v1")), evaluation(1, 3))
    assert len(gates.failures) == 1
    assert gates.warnings == ("graph on toy is compared with v1, the only one on that task in old.json",)


def test_what_the_baseline_does_not_hold_is_never_passed_over_in_silence() -> None:
    gates = compared(against(evaluation()), evaluation(), evaluation(task="svamp"))
    assert gates.warnings == (
        "old.json has nothing to compare graph on svamp with; --fail-regression does not guard it",
    )
    assert [gate.pair for gate in gates.gates] == [("graph", "toy")]


@pytest.mark.parametrize(
    ("old", "difference"),
    [
        (evaluation(1, 4), "problems 4 there, 3 here"),
        (evaluation(split="validation"), "split validation there, test here"),
        (evaluation(self_consistency=8), "samples a problem 8 there, 1 here"),
        (evaluation(engine="transformers"), "engine transformers there, vllm here"),
    ],
)
def test_what_is_not_like_with_like_is_compared_and_said(old: Evaluation, difference: str) -> None:
    gates = compared(against(old), evaluation())
    assert gates.warnings == (f"graph on toy and old.json are not like with like: {difference}",)
    assert len(gates.gates) == 1


@pytest.mark.parametrize(("samples", "said"), [(1, 0), (4, 1)])
def test_a_seed_matters_only_where_several_samples_are_drawn(samples: int, said: int) -> None:
    old, now = (evaluation(seed=seed, self_consistency=samples) for seed in (0, 1))
    assert len(compared(against(old), now).warnings) == said


def test_nothing_comparable_is_no_gate() -> None:
    with pytest.raises(DataProblem, match="nothing to compare graph on svamp with"):
        compared(against(evaluation()), evaluation(task="svamp"))


@pytest.mark.parametrize("config", [EvaluateConfig(fail_under=0.5), EvaluateConfig(fail_regression="old.json")])
@pytest.mark.parametrize("evaluations", [[], [evaluation(0, 0)], [evaluation(), evaluation(0, 0, task="svamp")]])
def test_a_gate_over_nothing_is_refused(config: EvaluateConfig, evaluations: list[Evaluation]) -> None:
    baseline = against(evaluation()) if config.fail_regression else None
    with pytest.raises(DataProblem, match="nothing that a gate could judge"):
        check_gates(config, new(*evaluations), baseline)


def test_both_kinds_of_gates_stand_side_by_side() -> None:
    gates = check_gates(EvaluateConfig(fail_under=0.9), new(evaluation()), against(evaluation(2, 3)))
    assert len(gates.failures) == 2
    assert gates.of(evaluation()) == list(gates.gates)
    assert gates.of(evaluation(task="svamp")) == []
    assert (gates.earlier(evaluation()), gates.earlier(evaluation(task="svamp"))) == (evaluation(2, 3), None)


def drawn_with(root: Path, **settings: object) -> Evaluated:
    made = stored(root, some())
    config = EvaluateConfig(task="toy", **settings)  # type: ignore[arg-type]
    Artifact(kind="evaluation", path=made.folder).complete(config, inputs=[], counts={}, subject="org/model+abc")
    return made


def test_another_temperature_or_length_is_said_where_manifests_tell_it(tmp_path: Path) -> None:
    old, now = drawn_with(tmp_path / "a"), drawn_with(tmp_path / "b", temperature=0.5, max_tokens=64)
    baseline = read_gates(EvaluateConfig(fail_regression=str(old.folder)))
    (warning,) = check_gates(EvaluateConfig(), [now], baseline).warnings
    assert warning.endswith("temperature 0.0 there, 0.5 here, longest reply 512 there, 64 here")


def test_a_comparison_with_itself_is_said(tmp_path: Path) -> None:
    made = stored(tmp_path / "evaluations", some())
    baseline = read_gates(EvaluateConfig(fail_regression=f"{tmp_path}:0.1"))
    (warning,) = check_gates(EvaluateConfig(), [made], baseline).warnings
    assert "is compared with itself" in warning
    better = Evaluated(folder=made.folder, evaluation=replace(made.evaluation, correct=3))
    assert check_gates(EvaluateConfig(), [better], baseline).warnings == ()


def test_how_samples_were_drawn_is_read_from_the_manifest_or_not_known(tmp_path: Path) -> None:
    told = how_drawn(drawn_with(tmp_path / "a", limit=7).folder)
    assert told is not None
    assert (told.temperature, told.max_tokens, told.limit, told.model) == (0.0, 512, 7, "org/model+abc")
    assert how_drawn(stored(tmp_path / "b", some()).folder) is None
    assert how_drawn(drawn_with(tmp_path / "c", debates=True).folder) is None
    assert how_drawn(drawn_with(tmp_path / "d", rescore=True).folder) is None


def test_several_samples_are_drawn_warm_unless_told_otherwise() -> None:
    assert [temperature_of(None, 1), temperature_of(None, 2), temperature_of(0.0, 2)] == [0.0, 0.7, 0.0]


def test_names_of_gates_do_not_change_with_the_figures() -> None:
    one, other = (
        compared(against(evaluation(was, 9), drop=0.05), evaluation(right, 9)) for was, right in ((1, 8), (8, 1))
    )
    assert one.gates[0].name == other.gates[0].name == "accuracy at most 0.05 below old.json"


def test_an_evaluation_survives_the_way_through_json(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(json.loads(encode(evaluation(2, 3))), indent=2))
    baseline = read_gates(EvaluateConfig(fail_regression=f"{path}:0.5"))
    assert baseline is not None
    assert baseline.earlier[0].evaluation == evaluation(2, 3)
