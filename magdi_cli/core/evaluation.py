"""What a model answered, how it was judged, and what that adds up to."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.usage import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One generated reply."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    text: str
    answer: Answer | None
    """None where no answer could be read: it has no vote and is never correct."""
    completion_tokens: int
    """Tokens generated, thoughts included."""
    thinking_tokens: int = 0
    """How many of them were thoughts, which are not read for an answer."""
    rule: str | None = None
    """How the answer was found in the text: `boxed`, `answer-is`, `last-number`, ...; None without an answer."""
    method: str | None = None
    """What decided whether it is right: `exact`, `number`, `latex`, ...; None where nobody has judged it."""
    truncated: bool = False
    """Whether the reply was cut off at the longest length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A model's answer to one problem: the majority of its samples."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.prediction/1"] = "magdi.prediction/1"
    problem: Problem
    samples: tuple[Sample, ...]
    answer: Answer | None
    correct: bool
    rule: str | None = None
    """How the answer was found in the first sample that gave it."""
    method: str | None = None
    """What decided whether it is right; `no-answer` where there is none."""
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        if self.correct and self.answer is None:
            raise ValueError(f"problem {self.problem.id!r}: correct without an answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A subject's score on a task; recomputable from its predictions alone."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.evaluation/1"] = "magdi.evaluation/1"
    subject: str
    """The student's folder, `base`, the model's name, a teacher's seat, or `debate` for the team."""
    task: str
    split: str
    n: int
    correct: int
    unanswered: int
    """Problems for which no answer could be read; they count as wrong."""
    accuracy: float
    interval: tuple[float, float]
    """95 % Wilson score interval of `accuracy`."""
    self_consistency: int
    """Samples a problem."""
    sample_accuracy: float
    """Share of correct samples: the accuracy of answering once."""
    pass_at_k: float
    """Share of problems with at least one correct sample."""
    vote_entropy: float
    """Mean entropy, in bits, of the answers of a problem; unanswered samples count as one answer."""
    tokens_per_question: float
    """Mean completion tokens, all samples of a problem together."""
    usage: Usage
    seed: int
    engine: str
    out_of_domain: bool = False
    """Whether the student was not trained on this task; for others, whether MAGDi's students are not (BoolQ, SVAMP)."""
    sample_interval: tuple[float, float] | None = None
    """95 % bootstrap interval of `sample_accuracy`, resampled by problem."""
    maj_at: tuple[float, ...] = ()
    """Accuracy of a vote over 1, 2, ... k samples: the exact expectation over all subsets, ties shared."""
    pass_at: tuple[float, ...] = ()
    """Share of problems with a correct one among 1, 2, ... k samples: the exact expectation over all subsets."""
    distinct_answers: float = 0.0
    """Mean number of different answers of a problem."""
    tied: int = 0
    """Problems whose vote was tied, and went to the earliest answer."""
    truncated: int = 0
    """Samples that were cut off at the longest length."""
    thinking_tokens_per_question: float = 0.0
    """How many of the tokens were thoughts."""
    start_seconds: float | None = None
    """Until the engine could answer; not part of `usage`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluations:
    """What one command evaluated: subjects, each on one or several tasks."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.evaluations/1"] = "magdi.evaluations/1"
    evaluations: tuple[Evaluation, ...]
