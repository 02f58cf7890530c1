"""Real replies of many models: our verdicts beside those of their sources, and of the released code."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.answers import canonical, extract, verify
from magdi_cli.tasks.catalog import TASKS
from tests.tasks.reference_parser import reference_verdict

pytestmark = pytest.mark.data

AGREEMENT: Mapping[str, float] = {
    "arc-challenge": 0.996,
    "commonsenseqa": 0.980,
    "gsm8k": 0.998,
    "math": 0.995,
    "strategyqa": 0.996,
    "svamp": 0.995,
}
"""What was measured over all replies, rounded down. Read by hand, the rest are two options with one text, options
that the source guessed from what a reply mentions, and answers that it overlooked."""
EVERY = 5
"""Rows between two that are read."""


def replies(data_dir: Path, task: str) -> Iterator[tuple[Problem, Mapping[str, Any]]]:
    """Replies that state an answer of their own: no turns of debates, which only continue, and no programs."""
    for path in sorted((data_dir / "traces").glob(f"{task.replace('-', '_')}_*.jsonl")):
        if "debate" in path.name:
            continue
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                if number % EVERY:
                    continue
                row = json.loads(line)
                choices = tuple(row["options"] or ())
                asked = Problem(id="p", task=task, question="q", choices=choices, gold=Answer(row["gold"]))
                gold = canonical(row["gold"], asked)
                assert gold is not None, row["gold"]
                problem = Problem(id="p", task=task, question="q", choices=choices, gold=gold)
                yield from ((problem, one) for one in row["outputs"] if "PAL" not in one["model"])


@pytest.mark.parametrize("task", sorted(AGREEMENT))
def test_our_verdicts_are_those_of_the_sources_nearly_always(data_dir: Path, task: str) -> None:
    seen: Counter[str] = Counter()
    for problem, reply in replies(data_dir, task):
        found = extract(reply["text"], problem)
        ours = verify(found.answer if found else None, problem).correct
        theirs = reference_verdict(TASKS[task].kind, reply["text"], problem.gold)
        seen.update({"all": 1, "ours": ours == reply["correct"], "released code": theirs == reply["correct"]})
    assert seen["all"] > 50
    assert seen["ours"] / seen["all"] >= AGREEMENT[task] - 0.005
    assert seen["released code"] < seen["ours"]
