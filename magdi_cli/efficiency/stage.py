"""`magdi efficiency`: what an answer of the student costs against one of its teachers' debates."""

from dataclasses import dataclass, field
from pathlib import Path

from magdi_cli.core.artifact import DEBATES, Artifact
from magdi_cli.core.config import EfficiencyConfig
from magdi_cli.core.debate import Debate
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import decode, read_records, write_records
from magdi_cli.core.usage import Usage
from magdi_cli.efficiency.rows import DEBATE, Efficiency, Row, efficiency
from magdi_cli.tasks.answers import verify

EVALUATIONS = "*/evaluation.json"
RESULT = "efficiency.json"
PRICED = ("api", "debates")
"""Engines whose calls have a price of their own."""


def run(config: EfficiencyConfig, report: Report) -> Efficiency:
    """Compare the run's evaluations with its debates; write `RUN/efficiency/efficiency.json`."""
    debates = (config.debates or config.run_dir / "debates") / DEBATES
    folder = config.evaluations or config.run_dir / "evaluations"
    evaluations = [path for path in sorted(folder.glob(EVALUATIONS)) if not _is_of_team(path)]
    teams = _debate_rows(debates) if debates.exists() else []
    rows = teams + [_evaluation_row(path, config.gpu_hour) for path in evaluations]
    if not rows:
        raise DataProblem(f"neither {debates} nor an evaluation in {folder}; run magdi debate and magdi evaluate first")
    if not teams:
        report.warn(f"no debates in {debates}: there is nothing to compare the evaluations with")
    result = efficiency(rows)
    artifact = Artifact(kind="efficiency", path=config.run_dir / "efficiency")
    write_records(artifact.path / RESULT, [result])
    artifact.complete(config, inputs=[debates, *evaluations], counts={"rows": len(rows)})
    return result


@dataclass(kw_only=True, slots=True)
class _Total:
    n: int = 0
    correct: int = 0
    usage: Usage = field(default_factory=Usage)

    def add(self, debate: Debate) -> None:
        self.n += 1
        self.correct += verify(debate.answer, debate.problem).correct
        self.usage += debate.usage

    def row(self, task: str) -> Row:
        cost = self.usage.cost_usd
        return Row(
            task=task,
            n=self.n,
            system=DEBATE,
            tokens_per_question=self.usage.completion_tokens / self.n,
            accuracy=self.correct / self.n,
            cost_usd=None if cost is None else cost / self.n,
        )


def _debate_rows(path: Path) -> list[Row]:
    totals: dict[str, _Total] = {}
    for debate in read_records(path, Debate):
        totals.setdefault(debate.problem.task, _Total()).add(debate)
    return [total.row(task) for task, total in totals.items()]


def _is_of_team(path: Path) -> bool:
    """Whether an evaluation says of the debates what is read from the debates themselves."""
    return _read(path).subject == DEBATE


def _read(path: Path) -> Evaluation:
    return decode(Evaluation, path.read_bytes(), str(path))


def _evaluation_row(path: Path, gpu_hour: float | None) -> Row:
    evaluation = _read(path)
    votes = f", vote of {k}" if (k := evaluation.self_consistency) > 1 else ""
    return Row(
        task=evaluation.task,
        n=evaluation.n,
        system=evaluation.subject + votes,
        tokens_per_question=evaluation.tokens_per_question,
        accuracy=evaluation.accuracy,
        cost_usd=_cost(evaluation, gpu_hour),
    )


def _cost(evaluation: Evaluation, gpu_hour: float | None) -> float | None:
    """Dollars a question: an API's own price, or the machine's time at `gpu_hour`; never guessed."""
    if evaluation.engine in PRICED:
        total = evaluation.usage.cost_usd
    else:
        total = None if gpu_hour is None else evaluation.usage.seconds / 3600 * gpu_hour
    return None if total is None or not evaluation.n else total / evaluation.n
