import pytest

from magdi_cli.tasks.number_words import in_digits


@pytest.mark.parametrize(
    ("spelled", "digits"),
    [
        ("Forty eight clips and twenty-one pens", "48 clips and 21 pens"),
        ("two hundred and four of seven thousand three hundred and forty-two", "204 of 7342"),
        ("one two three, twelve hundred", "1 2 3, 1200"),
        ("often none of the bones weighs a ton", "often none of the bones weighs a ton"),
    ],
)
def test_spelled_numbers_are_read_where_they_stand(spelled: str, digits: str) -> None:
    assert in_digits(spelled) == digits
