"""A teacher whose truth is planted: how often it is right, how readily it gives way, how often it fails.

Its replies look like a real teacher's, so everything behind the seam works on it unchanged. What it says
depends on seed, problem, seat, round and index alone, never on the order of the calls.
"""

import json
import operator
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Completion, Request
from magdi_cli.core.seeds import seed_for
from magdi_cli.core.usage import Usage
from magdi_cli.core.voting import majority
from magdi_cli.engines.slips import View, miscalculated, misread_number, retold
from magdi_cli.engines.words import completion_in_words

SURE = (0.7, 0.8, 0.9, 1.0)
"""Confidences of a right answer."""
UNSURE = (0.4, 0.5, 0.6, 0.7, 0.8)
"""Confidences of a wrong answer: lower, but not always."""

KEEPING = "I have read the other solutions and still think mine is right. "
ADOPTING = "The other solutions convince me. "


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedTeacher:
    """An engine that knows the gold and answers with planted accuracy, conformity and failures."""

    accuracy: float = 0.8
    """Chance of a right answer when asked alone."""
    conformity: float = 0.3
    """Chance of taking over the majority's answer in a discussion round."""
    failure: float = 0.0
    """Chance that a call fails."""
    seed: int = 0
    seat: str = ""
    """Part of `model`, so that recorded calls of two seats stay apart."""

    @property
    def model(self) -> str:
        """Everything but the request on which replies depend."""
        planted = f"accuracy={self.accuracy}&conformity={self.conformity}&failure={self.failure}"
        return f"sim:{self.seat}?{planted}&seed={self.seed}"

    async def generate(self, request: Request) -> Completion:
        """One reply per sample, in the JSON that real teachers are asked for; or the planted failure."""
        if self._rng(request, "failure").random() < self.failure:
            return Completion(error="simulated failure", usage=Usage(calls=1))
        texts = [self._reply(request, sample) for sample in range(request.sampling.n)]
        return completion_in_words(texts, request.messages)

    def _reply(self, request: Request, sample: int) -> str:
        rng = self._rng(request, sample)
        view = self._discussed(request, rng) or self._alone(request.problem, request.agent, rng)
        confidence = rng.choice(SURE if view.answer == request.problem.gold else UNSURE)
        return json.dumps(
            {"reasoning": view.reasoning, "answer": view.answer, "confidence_level": confidence}, ensure_ascii=False
        )

    def _alone(self, problem: Problem, agent: str, rng: random.Random) -> View:
        view = right_view(problem) if rng.random() < self.accuracy else wrong_view(problem, rng)
        style = seed_for(self.seed, problem.id, agent, "style") % 3
        return View(reasoning=_phrased(view.reasoning, style), answer=view.answer)

    def _discussed(self, request: Request, rng: random.Random) -> View | None:
        """The view after hearing the others; None where nothing heard can be kept or adopted."""
        last = max((turn.round for turn in request.heard), default=-1)
        heard = [turn for turn in request.heard if turn.round == last and turn.answer is not None]
        if rng.random() < self.conformity:
            winner = majority([turn.answer for turn in heard], operator.eq)
            return _said([turn for turn in heard if turn.answer == winner], ADOPTING)
        return _said([turn for turn in heard if turn.agent == request.agent], KEEPING)

    def _rng(self, request: Request, purpose: str | int) -> random.Random:
        return random.Random(
            seed_for(self.seed, request.problem.id, request.agent, request.round, request.index, purpose)
        )


def right_view(problem: Problem) -> View:
    """The problem's own rationale and gold."""
    rationale = _rationale(problem) or f"Working through the question leads to {_named(problem, problem.gold)}."
    return View(reasoning=rationale, answer=problem.gold)


def wrong_view(problem: Problem, rng: random.Random) -> View:
    """A wrong answer with reasoning that leads to it: a slip in a step, or an argument for another option."""
    if steps := problem.meta.get("steps"):
        return retold(steps, rng)
    rationale = _rationale(problem)
    others = [option for option in _options(problem) if option != problem.gold]
    if others:
        answer = rng.choice(others)
    elif slip := miscalculated(rationale, problem.gold, rng):
        return slip
    else:
        answer = misread_number(problem.gold, rng)
    sentences = _sentences(rationale)
    begun = sentences[: max(1, len(sentences) // 2)] if len(sentences) > 1 else []
    return View(reasoning=" ".join([*begun, f"This points to {_named(problem, answer)}."]), answer=answer)


def _said(heard: Sequence[Turn], lead: str) -> View | None:
    """The view of the first turn, with the lead in place of any lead it had."""
    for turn in heard:
        reasoning = turn.text.removeprefix(KEEPING).removeprefix(ADOPTING)
        return View(reasoning=lead + reasoning, answer=str(turn.answer))
    return None


def _rationale(problem: Problem) -> str:
    return str(problem.meta.get("rationale") or "").strip()


def _options(problem: Problem) -> tuple[str, ...]:
    """What may be answered, as answers: yes and no, or letters; nothing for a free answer."""
    if problem.gold in ("yes", "no"):
        return ("yes", "no")
    return tuple(chr(ord("A") + position) for position in range(len(problem.choices)))


def _named(problem: Problem, answer: str) -> str:
    """The answer in words: the text of an option beside its letter."""
    options = _options(problem)
    if problem.choices and answer in options and answer not in ("yes", "no"):
        return f"{problem.choices[options.index(answer)]} ({answer})"
    return answer


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+", text) if part]


def _phrased(reasoning: str, style: int) -> str:
    """The reasoning in one of three manners, so that seats do not sound alike."""
    return ("", "Let me work this out. ", "Step by step: ")[style] + reasoning
