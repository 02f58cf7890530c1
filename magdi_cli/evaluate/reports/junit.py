"""`--junit FILE`: JUnit XML, a suite for each subject on each task, a test case for each problem.

CI systems mark a job red at the first `<failure>`, and no model is always right: a score alone must not fail a
pipeline that set no bar. So a wrong answer is a failure only where a gate of its suite failed, and then explains it;
otherwise its case passes, says in its output what was wrong, and has the property `correct=false`. Each gate is a test
case, too. One prediction is held in memory at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluation import Evaluation, Prediction
from magdi_cli.core.printable import printable
from magdi_cli.core.records import replacing
from magdi_cli.evaluate.evaluated import PREDICTIONS, Evaluated
from magdi_cli.evaluate.gates import Gate, Gates
from magdi_cli.evaluate.reports.wrong import predictions, what_is_wrong, whole_story


def write_junit(path: Path, evaluated: Sequence[Evaluated], gates: Gates) -> None:
    """Write the report in place of a file."""
    suites = [Suite(evaluated=one, gates=tuple(gates.of(one.evaluation))) for one in evaluated]
    with replacing(path) as handle:
        document = Document(handle)
        with document.element("testsuites", {"name": "magdi evaluate", **_counts(suites)}):
            for suite in suites:
                _write_suite(document, suite)
        document.end()


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A subject on a task, with the gates of the two."""

    evaluated: Evaluated
    gates: tuple[Gate, ...]

    @property
    def evaluation(self) -> Evaluation:
        """Its figures."""
        return self.evaluated.evaluation

    @property
    def failed_gates(self) -> int:
        """How many gates failed; wrong answers are failures only if any did."""
        return sum(gate.failure is not None for gate in self.gates)

    @property
    def tests(self) -> int:
        """How many test cases there are."""
        return self.evaluation.n + len(self.gates)

    @property
    def failures(self) -> int:
        """How many of them fail."""
        wrong = self.evaluation.n - self.evaluation.correct
        return self.failed_gates + wrong if self.failed_gates else 0

    @property
    def class_name(self) -> str:
        """What groups the cases; a dot within a name would make further groups."""
        return ".".join(
            ("magdi", *(part.replace(".", "_") for part in (self.evaluation.task, self.evaluation.subject)))
        )


class Document:
    """XML that is written as it comes; what XML cannot hold is left out."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._xml = XMLGenerator(handle, encoding="utf-8", short_empty_elements=True)  # type: ignore[arg-type]
        self._xml.startDocument()

    @contextmanager
    def element(self, name: str, attributes: Mapping[str, object]) -> Iterator[None]:
        """An element with what is written meanwhile inside."""
        plain = {key: printable(str(value)) for key, value in attributes.items()}
        self._xml.startElement(name, AttributesImpl(plain))
        yield
        self._xml.endElement(name)
        self._xml.ignorableWhitespace("\n")

    def text(self, name: str, text: str, attributes: Mapping[str, object] | None = None) -> None:
        """An element that holds only text."""
        with self.element(name, attributes or {}):
            self._xml.characters(printable(text))

    def properties(self, values: Mapping[str, object]) -> None:
        """Names and values of whatever they stand in."""
        with self.element("properties", {}):
            for name, value in values.items():
                with self.element("property", {"name": name, "value": value}):
                    pass

    def end(self) -> None:
        """Write what is left."""
        self._xml.endDocument()


def _counts(suites: Sequence[Suite]) -> dict[str, object]:
    return {
        "tests": sum(suite.tests for suite in suites),
        "failures": sum(suite.failures for suite in suites),
        "errors": 0,
        "skipped": 0,
        "time": _seconds(sum(suite.evaluation.usage.seconds for suite in suites)),
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _write_suite(document: Document, suite: Suite) -> None:
    evaluation = suite.evaluation
    name = f"{evaluation.subject} on {evaluation.task}"
    with document.element("testsuite", {"name": name, **_counts([suite])}):
        document.properties(_properties(evaluation))
        for gate in suite.gates:
            with document.element("testcase", {"classname": suite.class_name, "name": gate.name, "time": _seconds(0)}):
                if gate.failure is not None:
                    document.text("failure", gate.failure, {"type": "gate", "message": gate.failure})
        seen = correct = 0
        for prediction in predictions(suite.evaluated.folder):
            seen, correct = seen + 1, correct + prediction.correct
            _write_case(document, suite, prediction)
    if (seen, correct) != (evaluation.n, evaluation.correct):
        raise DataProblem(
            f"{suite.evaluated.folder / PREDICTIONS} holds {correct} of {seen} right, its evaluation says "
            f"{evaluation.correct} of {evaluation.n}; magdi evaluate --rescore judges them anew"
        )


def _properties(evaluation: Evaluation) -> dict[str, object]:
    low, high = evaluation.interval
    return {
        "split": evaluation.split,
        "accuracy": f"{evaluation.accuracy:.4f}",
        "interval": f"{low:.4f} to {high:.4f}",
        "samples a problem": evaluation.self_consistency,
        "unanswered": evaluation.unanswered,
        "tokens a question": f"{evaluation.tokens_per_question:.1f}",
        "completion tokens": evaluation.usage.completion_tokens,
        "engine": evaluation.engine,
        "seed": evaluation.seed,
        "out of domain": str(evaluation.out_of_domain).lower(),
    }


def _write_case(document: Document, suite: Suite, prediction: Prediction) -> None:
    case = {
        "classname": suite.class_name,
        "name": prediction.problem.id,
        "time": _seconds(prediction.usage.seconds),
    }
    with document.element("testcase", case):
        if prediction.correct:
            return
        document.properties({"correct": "false"})
        story, wrong = whole_story(prediction), what_is_wrong(prediction)
        if suite.failed_gates:
            kind = "no-answer" if prediction.answer is None else "wrong-answer"
            document.text("failure", story, {"type": kind, "message": wrong})
        else:
            document.text("system-out", f"{wrong}\n\n{story}")
