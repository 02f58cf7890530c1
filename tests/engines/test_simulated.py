"""The simulated teacher: its plant can be measured in what it says."""

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Completion, Request
from magdi_cli.engines.simulated import ADOPTING, KEEPING, SimulatedTeacher
from magdi_cli.tasks.arithmetic import problems
from tests.engines.requests import APPLES, ask

CHOICE = Problem(id="c", task="arc-challenge", question="Which?", choices=("red", "green", "blue"), gold=Answer("B"))
YES_NO = Problem(
    id="y",
    task="strategyqa",
    question="Is it?",
    gold=Answer("yes"),
    meta={"rationale": "The sky is blue. Blue is a colour. So it is."},
)


def completion(teacher: SimulatedTeacher, request: Request) -> Completion:
    return asyncio.run(teacher.generate(request))


def said(teacher: SimulatedTeacher, request: Request) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(completion(teacher, request).replies[0].text)
    return reply


def heard(agent: str, answer: str | None, text: str = "Because.") -> Turn:
    return Turn(agent=agent, round=0, text=text, answer=None if answer is None else Answer(answer), confidence=0.5)


def test_it_is_right_as_often_as_planted() -> None:
    teacher = SimulatedTeacher(accuracy=0.7)
    right = [said(teacher, ask(problem=p))["answer"] == p.gold for p in problems("train")]

    assert abs(sum(right) / len(right) - 0.7) < 0.05


def test_it_fails_as_often_as_planted() -> None:
    teacher = SimulatedTeacher(failure=0.2)
    failed = [completion(teacher, ask(problem=p)).error is not None for p in problems("train")]

    assert abs(sum(failed) / len(failed) - 0.2) < 0.05


def test_a_reply_has_the_fields_real_teachers_are_asked_for() -> None:
    reply = said(SimulatedTeacher(accuracy=1.0), ask())

    assert list(reply) == ["reasoning", "answer", "confidence_level"]
    assert reply["answer"] == "5"
    assert "7 - 2 = 5." in reply["reasoning"]


def test_a_wrong_answer_comes_from_one_step_that_is_off() -> None:
    teacher = SimulatedTeacher(accuracy=0.0)
    for problem in list(problems("train"))[:200]:
        reply = said(teacher, ask(problem=problem))
        sums = re.findall(r"(-?\d+ [-+*] -?\d+) = (-?\d+)", reply["reasoning"])
        wrong = [sum_ for sum_, result in sums if eval(sum_) != int(result)]

        assert reply["answer"] != problem.gold
        assert len(wrong) == 1
        assert sums[-1][1] == reply["answer"]


def test_it_is_surer_when_it_is_right() -> None:
    def mean_confidence(accuracy: float) -> float:
        teacher = SimulatedTeacher(accuracy=accuracy)
        values = [said(teacher, ask(problem=p))["confidence_level"] for p in list(problems("test"))]
        return float(sum(values) / len(values))

    assert mean_confidence(1.0) > mean_confidence(0.0) + 0.1


@pytest.mark.parametrize("problem", [CHOICE, YES_NO])
def test_a_wrong_choice_is_another_option_that_is_argued_for(problem: Problem) -> None:
    reply = said(SimulatedTeacher(accuracy=0.0), ask(problem=problem))

    assert reply["answer"] in ({"A", "C"} if problem.choices else {"no"})
    assert "This points to" in reply["reasoning"]


def test_a_conformist_takes_over_what_most_say() -> None:
    turns = (heard("ann", "5"), heard("bob", "6", "Six it is."), heard("cat", "6"))
    reply = said(SimulatedTeacher(conformity=1.0), ask(round=1, heard=turns))

    assert reply["answer"] == "6"
    assert reply["reasoning"] == f"{ADOPTING}Six it is."


def test_the_steadfast_keep_their_own() -> None:
    turns = (heard("ann", "9", "Nine."), heard("bob", "6"), heard("cat", "6"))
    reply = said(SimulatedTeacher(conformity=0.0), ask(round=1, heard=turns))

    assert reply["answer"] == "9"
    assert reply["reasoning"] == f"{KEEPING}Nine."


def test_leads_do_not_pile_up_over_the_rounds() -> None:
    turns = (replace(heard("ann", "9", f"{ADOPTING}Nine."), round=1), heard("ann", "6"))
    reply = said(SimulatedTeacher(conformity=0.0), ask(round=2, heard=turns))

    assert reply["reasoning"] == f"{KEEPING}Nine."


def test_who_heard_no_answer_thinks_alone() -> None:
    reply = said(SimulatedTeacher(accuracy=1.0), ask(round=1, heard=(heard("bob", None),)))

    assert reply["answer"] == APPLES.gold


def test_what_it_says_depends_on_the_occasion_not_on_the_order() -> None:
    occasions = [ask(problem=p, agent=agent) for p in list(problems("test"))[:10] for agent in ("ann", "bob")]
    teacher = SimulatedTeacher(accuracy=0.5, failure=0.1)

    forwards = [completion(teacher, request) for request in occasions]
    backwards = [completion(teacher, request) for request in reversed(occasions)]

    assert forwards == backwards[::-1]


def test_seed_seat_index_and_sample_make_other_draws() -> None:
    def answers(seed: int = 0, agent: str = "ann", index: int = 0) -> list[Any]:
        teacher = SimulatedTeacher(accuracy=0.5, seed=seed)
        return [said(teacher, ask(problem=p, agent=agent, index=index)) for p in list(problems("test"))[:40]]

    draws = [answers(), answers(seed=1), answers(agent="bob"), answers(index=1)]
    assert all(draws[0] != other for other in draws[1:])
    samples = completion(SimulatedTeacher(accuracy=0.5), ask(n=20)).replies
    assert len({sample.text for sample in samples}) > 1


def test_its_name_tells_all_that_its_replies_depend_on() -> None:
    plants = [
        SimulatedTeacher(),
        SimulatedTeacher(accuracy=0.1),
        SimulatedTeacher(conformity=0.1),
        SimulatedTeacher(failure=0.1),
        SimulatedTeacher(seed=1),
        SimulatedTeacher(seat="ann"),
    ]

    assert len({teacher.model for teacher in plants}) == len(plants)


def test_words_are_its_tokens_and_cost_nothing() -> None:
    usage = completion(SimulatedTeacher(), ask("How many are left?")).usage

    assert (usage.calls, usage.prompt_tokens, usage.cost_usd) == (1, 4, 0.0)
    assert usage.completion_tokens > 4
