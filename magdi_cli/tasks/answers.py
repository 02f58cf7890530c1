"""The judge of answers: one way to read them and one way to compare them, for every stage.

Layers, cheapest first: one form for look-alike characters, equal text, and then what the kind of
problem allows: equal numbers, the same option, yes or no, the same LaTeX.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.voting import Same
from magdi_cli.tasks.anchors import Anchor, anchors
from magdi_cli.tasks.catalog import Kind, kind_of
from magdi_cli.tasks.judgement import Extraction as Extraction
from magdi_cli.tasks.judgement import Reader, extraction, first_sentence
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


LONGEST_REPLY = 20_000
"""Characters of a reply that are read, from its end: what is longer has not come to one."""
PASSED_OVER = ("answer-colon", "option-is")
"""Announcements that are passed over where they cannot be read: a heading, or talk about the options."""
_PLACEHOLDER = re.compile(r"\W*X\W*(?:(?:where|which)\b.*)?", re.DOTALL)
"""What stands for the answer in the format that was asked for."""


def extract(text: str, problem: Problem, *, cut_off: bool = False) -> Extraction | None:
    """The answer a reply gives; None where it gives none or does not decide.

    The last announcement decides, even where it cannot be read ("the answer is B or C"); only
    `Answer:` may also be the heading of a reasoning, and "the best option is" talk about options: they are
    then passed over, and so is a format that was repeated without being filled in. A reply that announces
    nothing is searched for an answer elsewhere. Of a reply that was cut off at its longest length only what it
    had announced before counts: the last number of a calculation is not its result.
    """
    kind = kind_of(problem)
    reader = READERS[kind]
    text = normalise(visible(text)[-LONGEST_REPLY:])
    for anchor in reversed(anchors(text)):
        if (kind != "latex" and _PLACEHOLDER.fullmatch(anchor.span)) or (cut_off and _is_open(anchor)):
            continue
        answer = reader.anchored(anchor, problem.choices)
        if answer or anchor.rule not in PASSED_OVER:
            return extraction(answer, anchor.rule)
    return None if cut_off else reader.fallback(text, problem.choices)


def _is_open(anchor: Anchor) -> bool:
    """Whether the text ends in the middle of what an anchor announces."""
    said = anchor.span.rstrip()
    return anchor.last and anchor.rule != "boxed" and first_sentence(said) == said


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
