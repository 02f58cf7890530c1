from dataclasses import replace

import pytest

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.debate.demos import Demo
from magdi_cli.debate.prompts import Templates
from tests.golden.goldens import check

PROMPTS = Templates.packaged()
PROBLEMS = {
    "number": Problem(id="n", task="gsm8k", question="What is 2 + 2?", gold=Answer("4")),
    "choice": Problem(
        id="c", task="commonsenseqa", question="Where do fish live?", choices=("sea", "sky"), gold=Answer("A")
    ),
    "yes-no": Problem(id="y", task="strategyqa", question="Do fish swim?", choices=("yes", "no"), gold=Answer("yes")),
    "latex": Problem(id="m", task="math", question="What is $1/2$ squared?", gold=Answer("\\frac{1}{4}")),
}


def turn(agent: str, answer: str | None, confidence: float | None) -> Turn:
    return Turn(
        agent=agent,
        round=0,
        text=f"I reasoned to {answer}.",
        answer=Answer(answer) if answer else None,
        confidence=confidence,
    )


@pytest.mark.parametrize("kind", PROBLEMS)
def test_the_opening_prompt(kind: str) -> None:
    check(f"prompts/opening-{kind}.txt", PROMPTS.opening(PROBLEMS[kind])[0].content)


def test_the_revision_prompt_with_three_groups() -> None:
    own, peers = turn("a", "4", 0.9), [[turn("b", "5", 0.5), turn("c", "5", None)], [turn("d", None, None)]]
    check("prompts/revision-number.txt", PROMPTS.revision(PROBLEMS["number"], own, peers)[0].content)


def test_the_revision_prompt_of_an_agent_whose_last_call_failed() -> None:
    check(
        "prompts/revision-without-own.txt",
        PROMPTS.revision(PROBLEMS["yes-no"], None, [[turn("b", "no", 0.7)]])[0].content,
    )


def test_the_verdict_prompt() -> None:
    groups = [[turn("a", "4", 0.9), turn("b", "4", None)], [turn("c", "5", 0.5)], [turn("d", None, None)]]
    check("prompts/verdict-number.txt", PROMPTS.verdict(PROBLEMS["number"], groups)[0].content)


def test_the_opening_prompt_with_examples() -> None:
    demos = [Demo(problem=replace(PROBLEMS[kind], meta={"rationale": "I know."})) for kind in ("yes-no", "choice")]
    check("prompts/opening-with-demos.txt", PROMPTS.opening(PROBLEMS["number"], demos=demos)[0].content)


def test_the_prompt_for_a_reply_without_answer() -> None:
    check("prompts/again-choice.txt", PROMPTS.again(PROBLEMS["choice"], (), "The sea?")[-1].content)


def test_the_fingerprint_is_stable() -> None:
    assert PROMPTS.fingerprint == Templates.packaged().fingerprint
    assert len(PROMPTS.fingerprint) == 64
