"""Answers that are LaTeX expressions, or words, or numbers: whatever MATH asks for."""

import re
from itertools import pairwise

from magdi_cli.core.problem import Answer
from magdi_cli.tasks.anchors import Anchor
from magdi_cli.tasks.judgement import Choices, Extraction, Reader, Verdict, conclusive, extraction
from magdi_cli.tasks.latex import judge
from magdi_cli.tasks.notation import fold, number_in, prose, subscripts
from magdi_cli.tasks.numbers import find_numbers, plain_math, same_number

LONGEST_ANSWER = 1000
"""Characters; what is longer is no answer, and a parser may take very long over it."""

_FORMULA = re.compile(
    r"\$\$(.{1,1000}?)\$\$|(?<!\\)\$([^$]{1,1000}?)(?<!\\)\$|\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]", re.DOTALL
)
_BETWEEN = re.compile(r"[\s,;]*(?:and|or)?[\s,;]*")
_WORDS = re.compile(r"[A-Za-z]{2,}")
_BOX = re.compile(r"\\f?boxed\s*\{(.*)\}\Z", re.DOTALL)
_FRAME = re.compile(r"\A(?:[\s*`~:]|\\displaystyle\b|\\[,;:! ])+|(?:\s|\*\*|`|\\[,;:! ]|(?<!\\)[.,;:])+\Z")
_CLAUSE = re.compile(r"\\.|[{}$]|(?P<end>[.!?](?=\s|\Z)|,?\s+(?:because|since|as|so|which|where|when)\b|\n)", re.DOTALL)
_SHORT_WORDS = 3


def canonical(text: str, _: Choices = ()) -> Answer | None:
    """A short answer without dollars, box and final full stop; None where it is empty or too long."""
    if len(text) > 2 * LONGEST_ANSWER:
        return None
    before = None
    while text != before:
        before = text
        text = _FRAME.sub("", text)
        if box := _BOX.match(text):
            text = box[1] if _balanced(box[1]) else text
        text = _formulas(text)
    text = " ".join(text.split())
    return Answer(text) if text and len(text) <= LONGEST_ANSWER else None


def _formulas(text: str) -> str:
    """The formula of a text that has one, or several joined by commas; the text itself where it has none."""
    found = list(_FORMULA.finditer(text))
    if not found:
        return text
    if not _WORDS.search(_FORMULA.sub(" ", text).replace(" and ", " ").replace(" or ", " ")) and len(found) == 1:
        return f"{text[: found[0].start()]}{_inside(found[0])}{text[found[0].end() :]}"
    listed = [_inside(found[0])]
    for previous, following in pairwise(found):
        if not _BETWEEN.fullmatch(text, previous.end(), following.start()):
            break
        listed.append(_inside(following))
    return ", ".join(listed)


def _inside(formula: re.Match[str]) -> str:
    return next(filter(None, formula.groups()), "").strip()


def _balanced(text: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _clause(text: str) -> str:
    """The text up to the end of its sentence or to its reasons, outside braces and formulas."""
    depth, formula = 0, False
    for match in _CLAUSE.finditer(text):
        if match["end"] and depth <= 0 and not formula:
            return text[: match.start()]
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        formula ^= match[0] == "$"
    return text


def _anchored(anchor: Anchor, choices: Choices) -> Answer | None:
    if anchor.rule == "boxed" or anchor.span.startswith(("\\[", "$$")):
        return canonical(anchor.span, choices)
    clause = _clause(anchor.span.lstrip())
    if conclusive(anchor) or len(_WORDS.findall(_FORMULA.sub("", clause))) <= _SHORT_WORDS:
        return canonical(clause, choices)
    return None


def _fallback(text: str, choices: Choices) -> Extraction | None:
    """What the last formula comes to; without formulas, the last number."""
    if formulas := list(_FORMULA.finditer(text)):
        return extraction(canonical(_inside(formulas[-1]).rpartition("=")[2], choices), "last-formula")
    numbers = [found.number.text for found in find_numbers(plain_math(text)) if found.number]
    return extraction(numbers[-1] if numbers else None, "last-number")


def _same(one: Answer, other: Answer, _: Choices) -> Verdict:
    """By notation, then as numbers, then as words, and only then by math-verify in its own process."""
    if fold(one) & fold(other):
        return Verdict(correct=True, method="notation")
    left, right = number_in(one), number_in(other)
    if left and right:
        return Verdict(correct=same_number(left, right), method="number")
    if prose(one) or prose(other):
        return Verdict(correct=fold(one.casefold()) == fold(other.casefold()), method="words")
    if subscripts(one) and subscripts(other) and subscripts(one) != subscripts(other):
        return Verdict(correct=False, method="subscript")
    # sorted, so that the verdict cannot depend on which of the two is the gold answer
    return judge(*sorted((one, other)))


LATEX = Reader(canonical=canonical, anchored=_anchored, fallback=_fallback, same=_same)
