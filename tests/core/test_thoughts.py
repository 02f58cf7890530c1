import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.thoughts import end_of_thoughts
from magdi_cli.tasks.normalise import without_thoughts

PIECES = st.lists(st.sampled_from(["<think>", "</think>", "<Thinking>", "</THINKING>", "a", " b", "<", ">"]))


@pytest.mark.parametrize(
    ("text", "thoughts", "rest"),
    [
        ("", "", ""),
        ("four", "", "four"),
        ("<think>2+2</think>four", "<think>2+2</think>", "four"),
        ("2+2</thinking>four", "2+2</thinking>", "four"),
        ("<think>2</think>so <think>3</think>four", "<think>2</think>so <think>3</think>", "four"),
        ("so <think>2+2", "so <think>2+2", ""),
    ],
)
def test_thoughts_reach_to_their_last_end(text: str, thoughts: str, rest: str) -> None:
    end = end_of_thoughts(text)

    assert (text[:end], text[end:]) == (thoughts, rest)


@given(PIECES.map("".join))
def test_nothing_that_follows_the_thoughts_is_lost_to_a_reader(text: str) -> None:
    rest = text[end_of_thoughts(text) :]

    assert without_thoughts(text).endswith(rest)
    assert without_thoughts(rest) == rest
