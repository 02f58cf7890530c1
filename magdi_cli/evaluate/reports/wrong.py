"""Wrong answers, for people who read reports."""

from collections.abc import Iterator
from pathlib import Path

from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.printable import printable
from magdi_cli.core.records import read_records
from magdi_cli.evaluate.evaluated import PREDICTIONS
from magdi_cli.tasks.prompts import question_text

LONGEST_QUESTION = 600
LONGEST_TEXT = 1000


def predictions(folder: Path) -> Iterator[Prediction]:
    """The predictions of an evaluation, one at a time."""
    return read_records(folder / PREDICTIONS, Prediction)


def what_is_wrong(prediction: Prediction) -> str:
    """Gold and answer in one phrase."""
    if prediction.answer is None:
        return "no answer could be read"
    return f"gold {prediction.problem.gold}, answered {prediction.answer}"


def whole_story(prediction: Prediction) -> str:
    """Question, gold, answer and the reply that gave it, each shortened."""
    parts = {
        "question": shortened(question_text(prediction.problem), most=LONGEST_QUESTION),
        "gold": prediction.problem.gold,
        "answer": "none" if prediction.answer is None else prediction.answer,
        "reply": shortened(chosen_text(prediction), most=LONGEST_TEXT),
    }
    return "\n\n".join(f"{name}: {text}" for name, text in parts.items())


def chosen_text(prediction: Prediction) -> str:
    """The first reply that gave the answer; without an answer the first; empty where there is no reply."""
    chosen = [sample for sample in prediction.samples if sample.answer == prediction.answer] or prediction.samples
    return chosen[0].text if chosen else ""


def shortened(text: str, *, most: int) -> str:
    """The printable text; of a longer one beginning and end, since an answer is said last."""
    text = printable(text).strip()
    if len(text) <= most:
        return text
    left_out = f"\n[... {len(text) - most:,} characters ...]\n"
    return text[: most // 2] + left_out + text[len(text) - (most - most // 2) :]
