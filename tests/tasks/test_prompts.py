import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.prompts import answer_format, clean_reasoning, completion_text, question_text, student_messages
from tests.tasks.problems import problem_of

PROMPTS = {
    "number": 'What is it?\n\nThink step by step, then end with "So the answer is X.", where X is a single number.',
    "choice": "What is it?\n\n"
    "A. fast food restaurant\nB. pizza\nC. ground up dead cows\nD. mouth\nE. cow carcus\n\n"
    'Think step by step, then end with "So the answer is X.", where X is one letter from A to E.',
    "yes-no": 'What is it?\n\nThink step by step, then end with "So the answer is X.", where X is yes or no.',
    "latex": 'What is it?\n\nThink step by step, then end with "So the answer is X.", where X is a LaTeX expression.',
}


@pytest.mark.parametrize("kind", sorted(PROMPTS))
def test_a_student_is_asked_in_one_message(kind):
    (message,) = student_messages(problem_of(kind))
    assert message.role == "user"
    assert message.content == PROMPTS[kind]


def test_the_question_is_shared_without_the_request():
    assert question_text(problem_of("number")) == "What is it?"
    assert question_text(problem_of("choice")).endswith("\nE. cow carcus")
    assert answer_format(problem_of("choice", choices=("x", "y", "z"))) == "one letter from A to C"


def test_yes_and_no_are_not_lettered():
    assert question_text(problem_of("yes-no", choices=("yes", "no"))) == "What is it?"


@pytest.mark.parametrize(
    "text",
    [
        "3 + 4 = 7.",
        "3 + 4 = 7.\nSo the answer is 7.",
        "3 + 4 = 7. The answer is 7.",
        "3 + 4 = 7.\n#### 7",
        "3 + 4 = 7.\n\\boxed{7}",
        "3 + 4 = 7.\n\n**Answer:** 7",
        "<think>Hm.</think>3 + 4 = 7. So, the final answer is 8.",
        "3 + 4 = 7. I agree with the others.",
        "3 + 4 = 7.</s>and so on",
    ],
)
def test_a_completion_says_the_answer_once_and_last(text):
    assert completion_text(text, Answer("7")) == "3 + 4 = 7.\nSo the answer is 7."


def test_a_completion_without_reasoning_is_its_answer():
    assert completion_text("", Answer("7")) == completion_text("The answer is 7.", Answer("7")) == "So the answer is 7."


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("I agree with agent 2. Ice is cold.", "Ice is cold."),
        ("I disagree with the other solutions. Ice is cold.", "Ice is cold."),
        ("I still agree with the others because ice is frozen water.", "Ice is frozen water."),
        ("I agree with agent 2 that 12 + 7 = 19. It is 19.", "12 + 7 = 19. It is 19."),
        ("Ice is cold. Agent 1 made a mistake there.\nWater is wet.", "Ice is cold. Water is wet."),
        ("The other solution is x = 3.", "The other solution is x = 3."),
        ("Travel agents sell tours. All agree on that.", "Travel agents sell tours. All agree on that."),
        ("I agree with agent 2.", "I agree with agent 2."),
        ("Ice is cold.\n\nWater is wet.", "Ice is cold.\n\nWater is wet."),
    ],
)
def test_talk_to_peers_is_left_out_but_never_all_of_a_text(text, cleaned):
    assert clean_reasoning(text) == cleaned


@given(st.text(max_size=300))
def test_cleaning_never_empties_what_a_reader_sees(text):
    assert bool(clean_reasoning(text)) or not text.strip() or "<" in text
    assert clean_reasoning(clean_reasoning(text)) == clean_reasoning(text)
