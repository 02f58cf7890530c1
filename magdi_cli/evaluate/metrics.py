"""What samples make a prediction, and what predictions add up to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from magdi_cli.core.evaluation import Evaluation, Prediction, Sample
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Reply
from magdi_cli.core.resampling import bootstrap_interval
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.core.voting import majority
from magdi_cli.evaluate.votes import shape_of
from magdi_cli.tasks.answers import extract, same_answer, verify


def read_sample(reply: Reply, problem: Problem) -> Sample:
    """A sample with the answer that a reply states."""
    return reread(
        Sample(
            text=reply.text,
            answer=None,
            completion_tokens=reply.completion_tokens,
            thinking_tokens=reply.thinking_tokens,
            truncated=reply.truncated,
        ),
        problem,
    )


def reread(sample: Sample, problem: Problem) -> Sample:
    """The sample with its answer read from its text, and judged."""
    found = extract(sample.text, problem, cut_off=sample.truncated)
    answer = found.answer if found else None
    return replace(sample, answer=answer, rule=found.rule if found else None, method=verify(answer, problem).method)


def predict(problem: Problem, samples: Sequence[Sample], usage: Usage) -> Prediction:
    """The prediction that some samples make: a majority vote over verified-equal answers.

    An unread answer never wins; the earliest answer wins a tie.
    """
    answer = majority([sample.answer for sample in samples], same_answer(problem))
    verdict = verify(answer, problem)
    return Prediction(
        problem=problem,
        samples=tuple(samples),
        answer=answer,
        correct=verdict.correct,
        rule=next((sample.rule for sample in samples if answer is not None and sample.answer == answer), None),
        method=verdict.method,
        usage=usage,
    )


@dataclass(kw_only=True, slots=True)
class Meter:
    """Figures that grow with each prediction; of each problem only a few numbers are kept."""

    n: int = 0
    correct: int = 0
    unanswered: int = 0
    tied: int = 0
    truncated: int = 0
    _samples: int = 0
    """Most samples that a problem has."""
    _sample_accuracies: list[float] = field(default_factory=list)
    _maj_at: list[float] = field(default_factory=list)
    """Sums over the problems, for 1, 2, ... samples."""
    _pass_at: list[float] = field(default_factory=list)
    _counted_at: list[int] = field(default_factory=list)
    """Problems with so many samples."""
    _replied: int = 0
    _entropies: float = 0.0
    _distinct: int = 0
    _passes: int = 0
    _tokens: int = 0
    _thinking_tokens: int = 0
    _usage: Usage = field(default_factory=Usage)

    def add(self, prediction: Prediction) -> None:
        """Count one prediction."""
        samples, problem = prediction.samples, prediction.problem
        shape = shape_of([sample.answer for sample in samples], problem)
        self.n += 1
        self.correct += prediction.correct
        self.unanswered += prediction.answer is None
        self.tied += shape.tied
        self.truncated += sum(sample.truncated for sample in samples)
        self._samples = max(self._samples, len(samples))
        self._sample_accuracies.append(shape.correct / len(samples) if samples else 0.0)
        self._replied += bool(samples)
        self._passes += shape.correct > 0
        self._entropies += shape.entropy
        self._distinct += shape.distinct
        written = sum(sample.completion_tokens for sample in samples)
        # a team has written more than its last words
        self._tokens += max(written, prediction.usage.completion_tokens)
        self._thinking_tokens += sum(sample.thinking_tokens for sample in samples)
        self._usage += prediction.usage
        self._count_at(shape.maj_at, shape.pass_at)

    def _count_at(self, maj_at: Sequence[float], pass_at: Sequence[float]) -> None:
        for place, (maj, passed) in enumerate(zip(maj_at, pass_at, strict=True)):
            if place == len(self._counted_at):
                self._counted_at.append(0)
                self._maj_at.append(0.0)
                self._pass_at.append(0.0)
            self._counted_at[place] += 1
            self._maj_at[place] += maj
            self._pass_at[place] += passed

    def evaluation(
        self,
        *,
        subject: str,
        task: str,
        split: str,
        seed: int,
        engine: str,
        out_of_domain: bool = False,
        start_seconds: float | None = None,
    ) -> Evaluation:
        """The figures so far."""
        n = self.n or 1
        return Evaluation(
            subject=subject,
            task=task,
            split=split,
            n=self.n,
            correct=self.correct,
            unanswered=self.unanswered,
            accuracy=self.correct / n,
            interval=wilson_interval(self.correct, self.n),
            self_consistency=self._samples,
            sample_accuracy=sum(self._sample_accuracies) / n,
            sample_interval=bootstrap_interval(self._sample_accuracies, seed=seed),
            maj_at=self._means(self._maj_at),
            pass_at=self._means(self._pass_at),
            pass_at_k=self._passes / n,
            vote_entropy=self._entropies / n,
            distinct_answers=self._distinct / n,
            tied=self.tied,
            truncated=self.truncated,
            tokens_per_question=self._tokens / n,
            thinking_tokens_per_question=self._thinking_tokens / n,
            usage=self._usage,
            seed=seed,
            engine=engine,
            out_of_domain=out_of_domain,
            start_seconds=start_seconds,
        )

    def _means(self, sums: Sequence[float]) -> tuple[float, ...]:
        """Means over all problems, up to the number of samples that each has that was replied to at all."""
        full = sum(count == self._replied for count in self._counted_at)
        return tuple(total / self.n for total in sums[:full])

    def counts(self) -> dict[str, int]:
        """The counts that go into a manifest."""
        return {"problems": self.n, "correct": self.correct, "unanswered": self.unanswered}
