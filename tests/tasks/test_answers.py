import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.answers import canonical, equivalent, extract, verify
from magdi_cli.tasks.prompts import completion_text
from tests.tasks.problems import CASES, GOLDS, problem_of

KINDS = sorted(GOLDS)
ANSWERS = {
    "number": ["18", "-5", "0.5", "1/3", "50%", "1234567", "0"],
    "choice": ["A", "B", "C", "D", "E"],
    "yes-no": ["yes", "no"],
    "latex": [
        "\\frac{1}{2}",
        "\\text{(E)}",
        "x^2 + 1",
        "(-\\infty, 3]",
        "0.5",
        "240\\text{ sq. units}",
        "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}",
        "\\text{two lines}",
        "y = 2x - 1",
        "1, 2",
        "2516_8",
    ],
}
FRAGMENTS = [
    "the answer is ", "Answer: ", "\\boxed{", "}", "#### ", "\n", ". ", "yes", "no", "not ", "(A)", "B. ", "option C",
    " or ", "12", "1,000", "-5", "1/2", "50%", "= ", "$", "\\frac{1}{2}", "<think>", "</think>", "\nQ: ", "</s>",
    "pizza", "mouth", "I agree with agent 2. ", "because ", "x", "1e999999", "9" * 80, "²", "½", "**", "{", "\\",
    "five ", "depends",
]  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(FRAGMENTS), max_size=15).map("".join))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['kind']}: {case['why']}" for case in CASES])
def test_replies_are_read_and_judged_as_a_person_would(case):
    problem = problem_of(case["kind"], case["gold"], tuple(case["choices"]))
    found = extract(case["text"], problem)
    answer = found.answer if found else None
    assert (answer, verify(answer, problem).correct) == (case["answer"], case["correct"])


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_equals_nothing(kind):
    problem = problem_of(kind)
    assert not equivalent(None, None, problem).correct
    assert not equivalent(None, problem.gold, problem).correct
    assert not verify(None, problem).correct


@pytest.mark.parametrize(("kind", "answer"), [(kind, answer) for kind in KINDS for answer in ANSWERS[kind]])
def test_an_answer_is_its_own_canonical_form_and_verifies_as_gold(kind, answer):
    problem = problem_of(kind, answer)
    assert canonical(answer, problem) == answer
    assert verify(problem.gold, problem).correct
    assert verify(problem.gold, problem).method == "exact"


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        ("number", "18.0 dollars", "18"),
        ("number", " $1,000.50 ", "1000.5"),
        ("number", "x = 7", "7"),
        ("number", "twenty-one", "21"),
        ("number", "no idea", None),
        ("choice", "(b) pizza", "B"),
        ("choice", "Option D", "D"),
        ("choice", "5", "E"),
        ("choice", "neither", None),
        ("yes-no", "True", "yes"),
        ("yes-no", "No, it is not.", "no"),
        ("yes-no", "maybe", None),
        ("latex", "$\\frac{1}{2}$.", "\\frac{1}{2}"),
        ("latex", "\\boxed{x+1}", "x+1"),
        ("latex", "", None),
        ("latex", "x" * 5000, None),
    ],
)
def test_short_answers_are_brought_into_canonical_form(kind, text, answer):
    assert canonical(text, problem_of(kind)) == answer


@pytest.mark.parametrize("kind", ["number", "choice", "yes-no"])
@given(data=st.data())
def test_equivalence_does_not_depend_on_the_order(kind, data):
    one, other = (data.draw(st.sampled_from(ANSWERS[kind]) | st.text(max_size=12)) for _ in range(2))
    problem = problem_of(kind)
    forth = equivalent(Answer(one), Answer(other), problem)
    assert forth == equivalent(Answer(other), Answer(one), problem)


def test_latex_equivalence_does_not_depend_on_the_order():
    problem = problem_of("latex")
    answers = [Answer(answer) for answer in ANSWERS["latex"]]
    for one in answers:
        for other in answers:
            assert equivalent(one, other, problem) == equivalent(other, one, problem)


@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXTS)
def test_any_text_can_be_read(kind, text):
    problem = problem_of(kind)
    for answer in (extract(text, problem), canonical(text, problem)):
        assert answer is None or answer


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), text=TEXTS)
def test_a_completion_gives_back_its_answer(kind, data, text):
    answer = Answer(data.draw(st.sampled_from(ANSWERS[kind])))
    found = extract(completion_text(text, answer), problem_of(kind))
    assert found is not None
    assert found.answer == answer


def test_identical_options_are_one_answer():
    problem = problem_of("choice", "A", ("mortal", "dying", "mortal"))
    assert equivalent(Answer("A"), Answer("C"), problem).correct
    assert not equivalent(Answer("A"), Answer("B"), problem).correct


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", ["\nQ:\n", "\\boxed{", "answer to ", "####", "<think>", "1+", "(A) or ", "$"])
def test_long_hostile_replies_take_time_in_proportion(kind, unit):
    # quadratic reading would take minutes here
    extract(unit * (20_000 // len(unit)), problem_of(kind))


@pytest.mark.parametrize(
    ("text", "whole", "cut_off"),
    [
        ("The answer is 24. The answer is 24. The answer is 2", "2", "24"),
        ("The answer is 24. The answer is 175 + 3", "178", "24"),
        ("He walks on.\n\nStep 26: Add what he walked on day", "26", None),
        ("So \\boxed{24}", "24", "24"),
        ("So the answer is 24.", "24", "24"),
        ("So the answer is 24", "24", None),
    ],
)
def test_a_reply_that_was_cut_off_has_only_the_answers_it_announced_before(text, whole, cut_off):
    problem = problem_of("number", "24")
    assert getattr(extract(text, problem), "answer", None) == whole
    assert getattr(extract(text, problem, cut_off=True), "answer", None) == cut_off
