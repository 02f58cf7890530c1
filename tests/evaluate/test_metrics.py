from collections.abc import Sequence

import pytest

from magdi_cli.core.evaluation import Sample
from magdi_cli.core.protocols import Reply
from magdi_cli.core.usage import Usage
from magdi_cli.evaluate.metrics import Meter, predict, read_sample
from tests.strategies import problem

NUMBER = problem(gold="4")


def read(texts: Sequence[str], tokens: int = 1) -> list[Sample]:
    return [read_sample(Reply(text=text, completion_tokens=tokens), NUMBER) for text in texts]


def predicted(*texts: str, tokens: int = 5) -> Meter:
    meter = Meter()
    meter.add(predict(NUMBER, read(texts, tokens), Usage(calls=1)))
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
    prediction = predict(NUMBER, read(texts), Usage())
    assert (prediction.answer is None, prediction.correct) == (answer is None, correct)
    if answer is not None:
        assert float(prediction.answer or "") == float(answer)


def test_the_figures_of_a_few_predictions_by_hand() -> None:
    meter = Meter()
    for texts in (("the answer is 4", "the answer is 4"), ("the answer is 4", "the answer is 7"), ("hm", "hm")):
        meter.add(predict(NUMBER, read(texts, 10), Usage(calls=1)))
    evaluation = meter.evaluation(subject="s", task="t", split="test", seed=0, engine="vllm")
    assert (evaluation.n, evaluation.correct, evaluation.unanswered) == (3, 2, 1)
    assert evaluation.accuracy == pytest.approx(2 / 3)
    assert evaluation.sample_accuracy == pytest.approx((1 + 0.5 + 0) / 3)
    assert evaluation.pass_at_k == pytest.approx(2 / 3)
    assert evaluation.vote_entropy == pytest.approx(1 / 3)
    assert evaluation.tokens_per_question == 20
    assert evaluation.self_consistency == 2
    assert evaluation.usage.calls == 3


def test_what_a_reply_went_through_stays_beside_its_answer() -> None:
    reply = Reply(
        text="<think>5?</think> So the answer is 4.0.", completion_tokens=9, thinking_tokens=5, truncated=True
    )
    sample = read_sample(reply, NUMBER)
    assert (sample.answer, sample.rule, sample.method) == ("4", "answer-is", "exact")
    assert (sample.thinking_tokens, sample.truncated) == (5, True)
    meter = Meter()
    meter.add(predict(NUMBER, [sample, sample], Usage()))
    evaluation = meter.evaluation(subject="s", task="t", split="test", seed=0, engine="vllm")
    assert (evaluation.truncated, evaluation.thinking_tokens_per_question) == (2, 10)


def test_a_problem_without_a_reply_counts_as_wrong_for_any_number_of_samples() -> None:
    meter = predicted("the answer is 4", "the answer is 4")
    meter.add(predict(NUMBER, [], Usage()))
    evaluation = meter.evaluation(subject="s", task="t", split="test", seed=0, engine="vllm")
    assert evaluation.maj_at == evaluation.pass_at == (0.5, 0.5)
    assert (evaluation.accuracy, evaluation.unanswered) == (0.5, 1)


def test_tokens_of_a_team_are_all_it_has_written() -> None:
    meter = Meter()
    meter.add(predict(NUMBER, read(["the answer is 4"], 10), Usage(completion_tokens=90)))
    assert meter.evaluation(subject="s", task="t", split="test", seed=0, engine="debates").tokens_per_question == 90
