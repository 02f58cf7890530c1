"""Gates: bars that a pipeline sets, and what became of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.evaluate.baseline import OPTION, Baseline, Earlier, Pair, read_baseline
from magdi_cli.evaluate.drawn import Drawn, how_drawn
from magdi_cli.evaluate.evaluated import Evaluated


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A bar for one subject on one task."""

    pair: Pair
    name: str
    """The same in every run, such as `accuracy >= 0.5`."""
    failure: str | None
    """Why it failed, in words; None where it holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """All bars of a command, and what it found on the way."""

    gates: tuple[Gate, ...] = ()
    before: Mapping[Pair, Evaluation] | None = None
    """The earlier evaluation of each new one that has any; None where no baseline was given."""
    warnings: tuple[str, ...] = ()
    """What was not compared, or not like with like."""

    @property
    def failures(self) -> list[str]:
        """Every failed gate in words."""
        return [gate.failure for gate in self.gates if gate.failure is not None]

    def of(self, evaluation: Evaluation) -> list[Gate]:
        """The gates of an evaluation."""
        return [gate for gate in self.gates if gate.pair == _pair(evaluation)]

    def earlier(self, evaluation: Evaluation) -> Evaluation | None:
        """The one that an evaluation was compared with; None where there is none."""
        return (self.before or {}).get(_pair(evaluation))


def read_gates(config: EvaluateConfig) -> Baseline | None:
    """The baseline of `--fail-regression`; bars that make no sense are refused, before any model runs."""
    if config.fail_under is not None and config.fail_under > 1:
        raise UsageProblem(f"--fail-under is {config.fail_under}; an accuracy is a share from 0 to 1, such as 0.62")
    return read_baseline(config.fail_regression)


def check_gates(config: EvaluateConfig, evaluated: Sequence[Evaluated], baseline: Baseline | None) -> Gates:
    """What became of every gate; a `DataProblem` where there is nothing that a gate could be about."""
    evaluations = [one.evaluation for one in evaluated]
    if config.fail_under is not None or baseline is not None:
        _check_scored(evaluations)
    under = [_under(one, config.fail_under) for one in evaluations if config.fail_under is not None]
    if baseline is None:
        return Gates(gates=tuple(under))
    now = [_pair(one) for one in evaluations]
    baseline.check_comparable(now)
    compared = [(one, baseline.like(*_pair(one.evaluation), now)) for one in evaluated]
    return Gates(
        gates=(*under, *(_regression(new.evaluation, old.evaluation, baseline) for new, old in compared if old)),
        before={_pair(new.evaluation): old.evaluation for new, old in compared if old},
        warnings=tuple(warning for new, old in compared for warning in _warnings(new, old, baseline)),
    )


def _pair(evaluation: Evaluation) -> Pair:
    return evaluation.subject, evaluation.task


def _words(evaluation: Evaluation) -> str:
    return f"{evaluation.subject} on {evaluation.task}"


def _check_scored(evaluations: Sequence[Evaluation]) -> None:
    if empty := ", ".join(_words(one) for one in evaluations if not one.n):
        raise DataProblem(f"no problem was scored of {empty}: there is nothing that a gate could judge")
    if not evaluations:
        raise DataProblem("nothing was evaluated: there is nothing that a gate could judge")


def _under(evaluation: Evaluation, bar: float | None) -> Gate:
    accuracy = evaluation.correct / evaluation.n  # exact where the bar is met exactly, unlike a product
    bar = bar or 0.0
    failure = f"accuracy {_unlike(accuracy, bar)} of {_words(evaluation)} is below --fail-under {bar}"
    return Gate(pair=_pair(evaluation), name=f"accuracy >= {bar}", failure=failure if accuracy < bar else None)


def _regression(new: Evaluation, old: Evaluation, baseline: Baseline) -> Gate:
    drop = Fraction(old.correct, old.n) - Fraction(new.correct, new.n)
    allowed = Fraction(str(baseline.drop))
    low, high = new.interval
    failure = (
        f"accuracy {new.correct / new.n:.3f} of {_words(new)} is {_unlike(float(drop), baseline.drop)} below the "
        f"{old.correct / old.n:.3f} of {baseline.name}; {OPTION} allows {baseline.drop:g} "
        f"(95 % interval of the new accuracy: {low:.3f} to {high:.3f})"
    )
    return Gate(
        pair=_pair(new),
        name=f"accuracy at most {baseline.drop:g} below {baseline.name}",
        failure=failure if drop > allowed else None,
    )


def _unlike(value: float, bar: float) -> str:
    """The value with three decimals, or as many as tell it from the bar."""
    return next((text for digits in range(3, 17) if float(text := f"{value:.{digits}f}") != bar), str(value))


def _warnings(new: Evaluated, old: Earlier | None, baseline: Baseline) -> Iterator[str]:
    what = _words(new.evaluation)
    if old is None:
        yield f"{baseline.name} has nothing to compare {what} with; {OPTION} does not guard it"
        return
    if old.evaluation.subject != new.evaluation.subject:
        yield f"{what} is compared with {old.evaluation.subject}, the only one on that task in {baseline.name}"
    if old.folder and old.folder.resolve() == new.folder.resolve() and old.evaluation == new.evaluation:
        yield f"{what} is compared with itself: {baseline.name} is what was evaluated now"
    if differences := ", ".join(_differences(old, new)):
        yield f"{what} and {baseline.name} are not like with like: {differences}"


def _differences(old: Earlier, new: Evaluated) -> Iterator[str]:
    there, here = _facts(old.evaluation, old.drawn), _facts(new.evaluation, how_drawn(new.folder))
    for name in there:
        if name in here and there[name] != here[name]:
            yield f"{name} {there[name]} there, {here[name]} here"


def _facts(evaluation: Evaluation, drawn: Drawn | None) -> dict[str, object]:
    """What two evaluations must share to be like with like, as far as it is known."""
    facts: dict[str, object] = {
        "problems": evaluation.n,
        "split": evaluation.split,
        "samples a problem": evaluation.self_consistency,
        "engine": evaluation.engine,
    }
    if evaluation.self_consistency > 1:
        facts["seed"] = evaluation.seed
    if drawn is not None:
        facts |= {"temperature": drawn.temperature, "longest reply": drawn.max_tokens}
    return facts
