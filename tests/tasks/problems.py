"""Problems of each kind, and the golden replies to them, for the tests of this folder."""

import json
from pathlib import Path

from magdi_cli.core.problem import Answer, Problem

TASK_OF_KIND = {"number": "gsm8k", "choice": "commonsenseqa", "yes-no": "strategyqa", "latex": "math"}
GOLDEN = Path(__file__).parent.parent / "golden" / "answers.jsonl"
CASES = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
FOOD = ("fast food restaurant", "pizza", "ground up dead cows", "mouth", "cow carcus")
GOLDS = {"number": "18", "choice": "B", "yes-no": "no", "latex": "\\frac{1}{2}"}


def problem_of(kind: str, gold: str | None = None, choices: tuple[str, ...] | None = None) -> Problem:
    if choices is None:
        choices = FOOD if kind == "choice" else ()
    return Problem(
        id=f"{kind}-1",
        task=TASK_OF_KIND[kind],
        question="What is it?",
        choices=choices,
        gold=Answer(gold or GOLDS[kind]),
    )
