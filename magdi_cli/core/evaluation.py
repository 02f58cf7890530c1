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


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A model's answer to one problem: the majority of its samples."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.prediction/1"] = "magdi.prediction/1"
    problem: Problem
    samples: tuple[Sample, ...]
    answer: Answer | None
    correct: bool
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
    """The level of the student, `base`, or the model's name."""
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
