import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.usage import Usage
from magdi_cli.evaluate.metrics import Meter, predict, read_sample, vote_entropy
from tests.strategies import problem

NUMBER = problem(gold="4")


def predicted(*texts: str, tokens: int = 5) -> Meter:
    meter = Meter()
    meter.add(predict(NUMBER, [read_sample(text, tokens, NUMBER) for text in texts], Usage(calls=1)))
    return meter


@pytest.mark.parametrize(
    ("texts", "answer", "correct"),
    [
        (("So the answer is 4.",), "4", True),
        (("So the answer is 5.", "So the answer is 4.0.", "The answer is 4"), "4.0", True),
        (("No idea.", "No idea.", "So the answer is 4."), "4", True),
        (("So the answer is 5.", "So the answer is 4."), "5", False),
        (("No idea.",), None, False),
        ((), None, False),
    ],
)
def test_the_majority_of_verified_equal_answers_is_the_prediction(
    texts: tuple[str, ...], answer: str | None, correct: bool
) -> None:
    samples = [read_sample(text, 1, NUMBER) for text in texts]
    prediction = predict(NUMBER, samples, Usage())
    assert (prediction.answer is None, prediction.correct) == (answer is None, correct)
    if answer is not None:
        assert float(prediction.answer or "") == float(answer)


def test_the_figures_of_a_few_predictions_by_hand() -> None:
    meter = Meter()
    for texts in (("the answer is 4", "the answer is 4"), ("the answer is 4", "the answer is 7"), ("hm", "hm")):
        meter.add(predict(NUMBER, [read_sample(text, 10, NUMBER) for text in texts], Usage(calls=1)))
    evaluation = meter.evaluation(subject="s", task="t", split="test", seed=0, engine="vllm")
    assert (evaluation.n, evaluation.correct, evaluation.unanswered) == (3, 2, 1)
    assert evaluation.accuracy == pytest.approx(2 / 3)
    assert evaluation.sample_accuracy == pytest.approx((1 + 0.5 + 0) / 3)
    assert evaluation.pass_at_k == pytest.approx(2 / 3)
    assert evaluation.vote_entropy == pytest.approx(1 / 3)
    assert evaluation.tokens_per_question == 20
    assert evaluation.self_consistency == 2
    assert evaluation.usage.calls == 3


@given(st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=9))
def test_the_entropy_of_a_vote_is_between_zero_and_all_different(answers: list[str | None]) -> None:
    entropy = vote_entropy(answers, NUMBER)  # type: ignore[arg-type]
    assert 0 <= entropy <= len(answers).bit_length() + 1
    assert (entropy == 0) == (len(set(answers)) == 1)
