"""What predictions add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log2

from magdi_cli.core.evaluation import Evaluation, Prediction, Sample
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.core.voting import group_answers, majority
from magdi_cli.tasks.answers import extract, same_answer, verify


def read_sample(text: str, completion_tokens: int, problem: Problem) -> Sample:
    """A sample with the answer its text states."""
    found = extract(text, problem)
    return Sample(text=text, answer=found.answer if found else None, completion_tokens=completion_tokens)


def predict(problem: Problem, samples: Sequence[Sample], usage: Usage) -> Prediction:
    """The prediction that some samples make: a majority vote over verified-equal answers.

    An unread answer never wins; the earliest answer wins a tie.
    """
    answer = majority([sample.answer for sample in samples], same_answer(problem))
    return Prediction(
        problem=problem,
        samples=tuple(samples),
        answer=answer,
        correct=verify(answer, problem).correct,
        usage=usage,
    )


@dataclass(kw_only=True, slots=True)
class Meter:
    """Counts that grow with each prediction; memory does not."""

    n: int = 0
    correct: int = 0
    unanswered: int = 0
    samples: int = 0
    """Most samples that a problem has."""
    _sample_accuracies: float = 0.0
    _passes: int = 0
    _entropies: float = 0.0
    _tokens: int = 0
    _usage: Usage = field(default_factory=Usage)

    def add(self, prediction: Prediction) -> None:
        """Count one prediction."""
        samples, problem = prediction.samples, prediction.problem
        right = sum(verify(sample.answer, problem).correct for sample in samples)
        self.n += 1
        self.correct += prediction.correct
        self.unanswered += prediction.answer is None
        self.samples = max(self.samples, len(samples))
        self._sample_accuracies += right / len(samples) if samples else 0.0
        self._passes += right > 0
        self._entropies += vote_entropy([sample.answer for sample in samples], problem)
        self._tokens += sum(sample.completion_tokens for sample in samples)
        self._usage += prediction.usage

    def evaluation(self, *, subject: str, task: str, split: str, seed: int, engine: str) -> Evaluation:
        """The figures so far."""
        share = 1 / self.n if self.n else 0.0
        return Evaluation(
            subject=subject,
            task=task,
            split=split,
            n=self.n,
            correct=self.correct,
            unanswered=self.unanswered,
            accuracy=self.correct * share,
            interval=wilson_interval(self.correct, self.n),
            self_consistency=self.samples,
            sample_accuracy=self._sample_accuracies * share,
            pass_at_k=self._passes * share,
            vote_entropy=self._entropies * share,
            tokens_per_question=self._tokens * share,
            usage=self._usage,
            seed=seed,
            engine=engine,
        )

    def counts(self) -> dict[str, int]:
        """The counts that go into a manifest."""
        return {"problems": self.n, "correct": self.correct, "unanswered": self.unanswered}


def vote_entropy(answers: Sequence[Answer | None], problem: Problem) -> float:
    """Entropy, in bits, of a problem's answers; those that could not be read count as one answer."""
    groups = group_answers(answers, same_answer(problem))
    unread = sum(answer is None for answer in answers)
    return _entropy([len(group) for group in groups] + ([unread] if unread else []))


def _entropy(counts: Iterable[int]) -> float:
    counts = list(counts)
    total = sum(counts)
    return -sum(count / total * log2(count / total) for count in counts) + 0.0
