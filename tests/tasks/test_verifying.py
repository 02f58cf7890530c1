import io
from typing import Any

import pytest

from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.evaluate_config import VerifyConfig
from magdi_cli.tasks.verifying import METHODS, Verified, run
from tests.reports import Heard


def verified(gold: str, predicted: str, **settings: Any) -> Verified:
    return run(VerifyConfig(gold=gold, predicted=predicted, **settings), Heard())


@pytest.mark.parametrize(
    ("gold", "predicted", "settings", "correct", "rule", "method", "kind"),
    [
        ("18", "They need 3 boxes of 6. That makes 18.", {}, True, "last-number", "exact", "number"),
        ("18.0", "So the answer is 18 eggs.", {}, True, "answer-is", "exact", "number"),
        ("1/2", r"\boxed{0.5}", {}, True, "boxed", "number", "number"),
        ("1/2", r"\boxed{\frac{2}{4}}", {"task": "math"}, True, "boxed", "number", "latex"),
        ("yes", "No.", {}, False, "short-answer", "yes-no", "yes-no"),
        ("B", "the green one", {"choices": "red|the green one"}, True, "short-answer", "exact", "choice"),
        ("7", "who knows", {}, False, None, "no-answer", "number"),
    ],
)
def test_a_verdict_says_what_was_read_and_what_decided(
    gold: str, predicted: str, settings: dict[str, Any], correct: bool, rule: str | None, method: str, kind: str
) -> None:
    found = verified(gold, predicted, **settings)
    assert (found.correct, found.rule, found.kind) == (correct, rule, kind)
    assert found.method == method
    assert found.method in METHODS
    assert found.steps == ()


def test_an_explanation_follows_the_reply_to_its_verdict() -> None:
    steps = verified("18", "<think>17?</think>The answer is 12. No: the answer is 18.", explain=True).steps
    assert [(step.step, step.result) for step in steps] == [
        ("kind of answer", "number, as the gold answer looks"),
        ("set aside", "thoughts, end markers or further questions; what is left follows"),
        ("read", "The answer is 12. No: the answer is 18."),
        ("announcement, answer-is", "12. No: the answer is 18."),
        ("announcement, answer-is", "18."),
        ("answer, by answer-is", "18"),
        ("gold answer", "18"),
        ("comparison, exact", "the canonical texts are the same"),
        ("verdict", "right"),
    ]


def test_a_long_reply_is_explained_in_a_few_lines() -> None:
    steps = verified("18", "so " * 5000 + "the answer is 18. " + "and " * 5000, explain=True).steps
    assert max(len(step.result) for step in steps) < 250


def test_a_reply_may_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("So the answer is 18.\n"))
    assert verified("18", "-").correct


def test_what_cannot_be_a_gold_answer_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageProblem, match=r"'B' cannot be used: no 'options'.*give them with --choices"):
        verified("B", "B", task="arc-challenge")
    with pytest.raises(UsageProblem, match="'answer' is empty"):
        verified("", "4")
    with pytest.raises(UsageProblem, match="'maybe' is neither yes nor no"):
        verified("maybe", "yes", task="strategyqa")
    with pytest.raises(UnknownName, match="close: gsm8k"):
        verified("4", "4", task="gsm8")
