"""The judge of answers: one way to read them and one way to compare them, for every stage.

Layers, cheapest first: one form for look-alike characters, equal text, and then what the kind of
problem allows: equal numbers, the same option, yes or no, the same LaTeX.
"""

from collections.abc import Mapping
from types import MappingProxyType

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.voting import Same
from magdi_cli.tasks.anchors import anchors
from magdi_cli.tasks.catalog import Kind, kind_of
from magdi_cli.tasks.judgement import Extraction as Extraction
from magdi_cli.tasks.judgement import Reader, extraction
from magdi_cli.tasks.judgement import Verdict as Verdict
from magdi_cli.tasks.normalise import normalise, visible
from magdi_cli.tasks.read_choice import CHOICE
from magdi_cli.tasks.read_latex import LATEX
from magdi_cli.tasks.read_number import NUMBER
from magdi_cli.tasks.read_yes_no import YES_NO_READER

READERS: Mapping[Kind, Reader] = MappingProxyType(
    {"number": NUMBER, "choice": CHOICE, "yes-no": YES_NO_READER, "latex": LATEX}
)

NO_ANSWER = Verdict(correct=False, method="no-answer")


def extract(text: str, problem: Problem) -> Extraction | None:
    """The answer a reply gives; None where it gives none or does not decide.

    The last announcement decides, even where it cannot be read ("the answer is B or C"); only
    `Answer:` may also be the heading of a reasoning, and is then passed over. A reply that announces
    nothing is searched for an answer elsewhere.
    """
    reader = READERS[kind_of(problem)]
    text = normalise(visible(text))
    for anchor in reversed(anchors(text)):
        answer = reader.anchored(anchor, problem.choices)
        if answer or anchor.rule != "answer-colon":
            return extraction(answer, anchor.rule)
    return reader.fallback(text, problem.choices)


def canonical(answer_text: str, problem: Problem) -> Answer | None:
    """A short answer, such as `18.0 dollars`, in canonical form; None where it is not of the problem's kind."""
    reader = READERS[kind_of(problem)]
    text = normalise(answer_text).strip()
    return reader.canonical(text, problem.choices) if text else None


def equivalent(one: Answer | None, other: Answer | None, problem: Problem) -> Verdict:
    """Whether two answers to a problem are equal; no answer equals nothing, not even no answer."""
    if one is None or other is None:
        return NO_ANSWER
    left, right = Answer(normalise(one).strip()), Answer(normalise(other).strip())
    if left == right:
        return Verdict(correct=True, method="exact")
    return READERS[kind_of(problem)].same(left, right, problem.choices)


def same_answer(problem: Problem) -> Same:
    """Whether two answers to the problem are verified equal."""
    return lambda one, other: equivalent(one, other, problem).correct


def verify(answer: Answer | None, problem: Problem) -> Verdict:
    """Whether an answer equals the problem's gold."""
    return equivalent(answer, problem.gold, problem)
