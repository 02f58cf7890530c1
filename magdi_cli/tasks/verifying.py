"""`magdi verify`: one answer judged as every stage judges, and how that came about."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.evaluate_config import VerifyConfig
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Report
from magdi_cli.tasks.anchors import anchors
from magdi_cli.tasks.answers import canonical, extract, verify
from magdi_cli.tasks.catalog import Kind, kind_of, task_named
from magdi_cli.tasks.judgement import Extraction, Verdict
from magdi_cli.tasks.normalise import normalise, visible
from magdi_cli.tasks.rows import BadRow, problem_from

GIVEN = "given"
"""The task of an answer whose task nobody names: its kind is told from the gold answer."""
SHORT = "short-answer"
"""The rule of a text that announces no answer, but is one."""
FEW_WORDS = 6
"""Longer texts are replies, from which an answer is read."""
SHOWN = 200
"""Characters of a text that a step shows."""

METHODS = {
    "exact": "the canonical texts are the same",
    "number": "both are numbers, and compared as numbers",
    "option": "both name options, and compared as options",
    "yes-no": "both are yes or no, and compared as such",
    "notation": "the same formula in another notation",
    "words": "both are words, and compared as words",
    "subscript": "both are numbers of a stated base, and the bases differ",
    "latex": "compared as mathematics, by math-verify in a process of its own",
    "latex-timeout": "math-verify did not come to an end in time, which counts as not equal",
    "latex-crash": "math-verify broke down over it, which counts as not equal",
    "no-answer": "there is no answer, which is never right",
}
"""What a method of comparison means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that was done on the way to the verdict."""

    step: str
    result: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """An answer beside its gold answer."""

    schema: Literal["magdi.verdict/1"] = "magdi.verdict/1"
    correct: bool
    method: str
    """What decided: `exact`, `number`, `latex`, ..."""
    kind: Kind
    gold: str
    """In canonical form."""
    answer: Answer | None
    """As it was read, in canonical form; None where none could be read."""
    rule: str | None
    """How it was read: `boxed`, `answer-is`, `last-number`, ..., or `short-answer` for a text that is one."""
    steps: tuple[Step, ...] = ()
    """How it came about, with `--explain`."""


def run(config: VerifyConfig, report: Report) -> Verified:
    """Judge an answer, or the answer of a reply."""
    del report
    problem = _problem(config)
    text = sys.stdin.read() if config.predicted == "-" else config.predicted
    found = _read(text, problem)
    verdict = verify(found.answer if found else None, problem)
    return Verified(
        correct=verdict.correct,
        method=verdict.method,
        kind=kind_of(problem),
        gold=problem.gold,
        answer=found.answer if found else None,
        rule=found.rule if found else None,
        steps=tuple(_steps(text, problem, found, verdict)) if config.explain else (),
    )


def _problem(config: VerifyConfig) -> Problem:
    """A problem that asks for just this gold answer."""
    task = task_named(config.task).name if config.task else GIVEN
    row = {"id": "given", "question": "?", "answer": config.gold, "choices": config.choices}
    try:
        return problem_from(row, task)
    except BadRow as fault:
        hint = "; give them with --choices 'first|second|third'" if "no 'options'" in str(fault) else ""
        raise UsageProblem(f"the gold answer {config.gold!r} cannot be used: {fault}{hint}") from None


def _read(text: str, problem: Problem) -> Extraction | None:
    """The answer of a reply; a text of a few words that announces nothing may be one itself."""
    shown = visible(text)
    if len(shown.split()) <= FEW_WORDS and not anchors(normalise(shown)) and (answer := canonical(shown, problem)):
        return Extraction(answer=answer, rule=SHORT)
    return extract(text, problem)


def _steps(text: str, problem: Problem, found: Extraction | None, verdict: Verdict) -> Iterator[Step]:
    yield Step(step="kind of answer", result=f"{kind_of(problem)}, as {_whose(problem)}")
    shown = visible(text)
    if shown != text.strip():
        yield Step(step="set aside", result="thoughts, end markers or further questions; what is left follows")
        yield Step(step="read", result=_short(shown) or "nothing")
    announced = anchors(normalise(shown))
    for anchor in announced:
        yield Step(step=f"announcement, {anchor.rule}", result=_short(anchor.span))
    if not announced:
        yield Step(step="announcements", result="none")
    if found is None:
        yield Step(step="answer", result="none could be read")
    else:
        yield Step(step=f"answer, by {found.rule}", result=found.answer)
    yield Step(step="gold answer", result=problem.gold)
    yield Step(step=f"comparison, {verdict.method}", result=METHODS.get(verdict.method, verdict.method))
    yield Step(step="verdict", result="right" if verdict.correct else "wrong")


def _whose(problem: Problem) -> str:
    return "the gold answer looks" if problem.task == GIVEN else f"all of {problem.task} are"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= SHOWN else f"{words[: SHOWN // 2]} ... {words[-SHOWN // 2 :]}"
