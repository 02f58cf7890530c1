"""Replies that nobody should write, and what is ever done with a reply."""

import random
import time
from collections.abc import Iterator

from magdi_cli.core.problem import Problem
from magdi_cli.tasks.answers import canonical, equivalent, extract, verify
from tests.tasks.problems import problem_of

PATIENCE_SECONDS = 5.0
"""A judge that takes longer for one reply has hung."""
PROBLEMS = [
    problem_of("number", "18"),
    problem_of("choice", "C", ("apple", "pear", "plum", "fig", "lime")),
    problem_of("yes-no", "yes"),
    problem_of("latex", "\\frac{1}{2}"),
]
PIECES = [
    *("\\boxed{", "answer is ", "Answer: ", "#### ", "<think>", "</think>", "\nQ:", "</s>", "So the answer is X. "),
    *("answer to a ", "answer (", "best option for ", "option C is ", "A. x\n", "(A) ", "A) ", "or ", "not "),
    *("yes no ", "1,", "9", "1/", "1e9", "1e999999", "=1.", "= "),
    *("-", "$-", "€ ", "½", "1 1/2 ", "%", "٣", "one hundred "),
    *("1 million ", "{", "}", "(", ")", "[", "$"),
    *("\\[", "\\(", "\\frac{", "\\sqrt{", "\\text{", "\\begin{pmatrix}", "^", "_"),
    *("9^", "**", "\n", "\r\n", "\u2028", " ", "\t", "\x00"),
    *("\x1b[31m", "\u200f", "\u202e", "\ufeff", "😀", "e\u0301", '"', "\\"),
]  # fmt: skip
LENGTH = 25_000
"""Characters of a reply that goes on and on; more are not read."""


def judged(text: str, problem: Problem) -> float:
    """The seconds of all that is ever done with a reply."""
    started = time.perf_counter()
    found = extract(text, problem)
    extract(text, problem, cut_off=True)
    answers = [canonical(text, problem), found.answer if found else None]
    for answer in answers:
        verify(answer, problem)
        equivalent(problem.gold, answer, problem)
    return time.perf_counter() - started


def constructed(length: int) -> Iterator[str]:
    """Each piece over and over, alone and inside of a reply."""
    for piece in PIECES:
        many = piece * (length // len(piece))
        yield from (f"x{many}x", f"The answer is {many}")
    yield from (
        "9" * length,
        f"\\boxed{{{'9' * 5000}}}",
        "10^{" * 200 + "9" + "}" * 200,
        "\\frac{1}{0}",
        "9^9^9^9",
        "0/0",
    )
    yield from (
        "\\frac{1}{" * 3000 + "2" + "}" * 3000,
        "(" * 10_000 + "1" + ")" * 10_000,
        "\\sqrt{" * 100 + "2" + "}" * 100,
    )


def mixed(count: int, seed: int) -> Iterator[str]:
    """Pieces strewn at random."""
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(rng.choices(PIECES, k=rng.randint(1, 40)))
