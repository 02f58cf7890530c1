from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.tasks.expressions import leading_sum
from magdi_cli.tasks.number_words import leading_words
from magdi_cli.tasks.numbers import find_numbers, parse_number, same_number


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234 and -5", ["1234", "-5"]),
        ("-$5, $-5, $ 5", ["-5", "-5", "5"]),
        ("5-3", ["5", "3"]),
        ("x2 H2O 2516_8", ["2516"]),
        ("2 1/2 cups, 1/2 cup", ["5/2", "1/2"]),
        ("0.50 and .5 and 3.", ["0.5", "0.5", "3"]),
        ("50% of 3e2", ["50%", "300"]),
        ("1/0", [None]),
        ("1e999999", [None]),
        ("9" * 5000, [None]),
    ],
)
def test_numbers_are_found_in_text(text, found):
    assert [hit.number.text if hit.number else None for hit in find_numbers(text)] == found


@given(st.fractions(max_denominator=10**6), st.booleans())
def test_a_number_s_text_is_read_as_the_same_number(value, percent):
    number = parse_number(str(value) + "%" * percent)
    assert number is not None
    assert number.value == value
    assert parse_number(number.text) == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_decimals_are_kept_exactly(value):
    number = parse_number(f"{value:f}")
    assert number is not None
    assert number.value == Fraction(value)
    assert parse_number(number.text) == number


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("18", "18.0", True),
        ("0.333", "1/3", True),
        ("0.33", "1/3", False),
        ("4.64", "4.6375", True),
        ("267", "266.67", False),
        ("50%", "50", True),
        ("50%", "0.5", True),
        ("50", "0.5", False),
        ("0.0001", "0.00012", False),
    ],
)
def test_only_a_fine_rounding_equals_the_exact_number(one, other, equal):
    left, right = parse_number(one), parse_number(other)
    assert left is not None
    assert right is not None
    assert same_number(left, right) is same_number(right, left) is equal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(84 / 2)", 42),
        ("11 * 31 + 11 * 27 pens", 638),
        ("23 - (-2)", 25),
        ("2 + 3 * (4 - 1)", 11),
        ("1 / 0", None),
        ("(1 + 2", None),
        ("3-4", None),
        ("__import__('os')", None),
        ("9**9**9", None),
        ("1+" * 5000 + "1", None),
    ],
)
def test_sums_are_worked_out_without_evaluating_code(text, value):
    total = leading_sum(text)
    assert (total[0] if total else None) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("five apples", 5),
        ("twenty-one", 21),
        ("one hundred fifty-two dollars", 152),
        ("one hundred seventy-four thousand and eighty", 174080),
        ("seventeen", 17),
        ("several", None),
        ("one hundred " * 5000, None),
    ],
)
def test_number_words_are_read(text, value):
    assert leading_words(text) == value
