"""What is blotted out, and what is not."""

import pytest

from magdi_cli.core.secrets import without_secrets


def test_a_secret_that_begins_with_another_leaves_no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-team-1234")
    monkeypatch.setenv("B_KEY", "sk-team-1234-mine")

    assert without_secrets("sk-team-1234-mine, sk-team-1234") == "[B_KEY], [A_KEY]"


def test_short_values_and_other_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "true")
    monkeypatch.setenv("MY_COLOUR", "ultramarine")

    assert without_secrets("true ultramarine") == "true ultramarine"
