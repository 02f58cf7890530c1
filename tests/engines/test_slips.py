"""Slips: one result is off, and what follows follows."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.engines.slips import EQUATION, calculate, miscalculated, misread_number


@given(st.integers(1, 50), st.integers(1, 50), st.integers(2, 9), st.integers(0, 999))
def test_a_slip_is_carried_to_the_end(first: int, second: int, third: int, seed: int) -> None:
    total = first + second
    rationale = (
        f"She has {first}. {first} + {second} = {total}. Each costs ${third}: {total} x {third} = ${total * third}."
    )

    view = miscalculated(rationale, str(total * third), random.Random(seed))

    assert view is not None
    wrong = [m for m in EQUATION.finditer(view.reasoning) if calculate(m["left"]) != calculate(m["result"])]
    assert len(wrong) == 1
    assert view.answer != str(total * third)
    assert view.reasoning.endswith(f"{view.answer}.")


def test_an_answer_no_sum_leads_to_cannot_be_slipped_to() -> None:
    assert miscalculated("2 + 2 = 4", "9", random.Random(0)) is None
    assert miscalculated("It is so.", "9", random.Random(0)) is None
    assert miscalculated("2 + 2 = 4", "\\frac{x}{2}", random.Random(0)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 x (3 + $4)", "14"),
        ("1,200 / 4", "300"),
        ("50% * 8", "4"),
        ("-3 + 1", "-2"),
        ("2 \N{MULTIPLICATION SIGN} 3", "6"),
    ],
)
def test_sums_are_calculated_as_people_write_them(text: str, value: str) -> None:
    assert str(calculate(text)) == value


@pytest.mark.parametrize("text", ["", "two", "1 / 0", "2 ** 99", "__import__('os')", "1 + ", "1e999"])
def test_what_is_no_sum_has_no_value(text: str) -> None:
    assert calculate(text) is None


@given(st.integers(-99, 99), st.integers(0, 99))
def test_a_misread_number_is_another_answer(gold: int, seed: int) -> None:
    assert misread_number(str(gold), random.Random(seed)) != str(gold)
    assert misread_number("x", random.Random(seed)) == "x+1"


@pytest.mark.data
def test_most_real_rationales_can_slip(data_dir: Path) -> None:
    lines = (data_dir / "benchmarks" / "gsm8k" / "train.jsonl").read_text().splitlines()[:500]
    rows = [json.loads(line) for line in lines]
    slipped = [miscalculated(row["rationale"], row["answer"], random.Random(0)) for row in rows]

    assert sum(view is not None for view in slipped) / len(rows) > 0.7
    assert all(view is None or view.answer != row["answer"] for view, row in zip(slipped, rows, strict=True))
