"""`magdi evaluate`: subjects answer problems, or debates did; all are judged alike, and every answer is kept."""

from magdi_cli.core.errors import GateFailed
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation, Evaluations
from magdi_cli.core.flow import Emit
from magdi_cli.core.protocols import Report
from magdi_cli.evaluate.answering import answered
from magdi_cli.evaluate.asked import check_combination
from magdi_cli.evaluate.baseline import Baseline
from magdi_cli.evaluate.evaluated import Evaluated
from magdi_cli.evaluate.gates import check_gates, read_gates
from magdi_cli.evaluate.reports import check_writable, write_reports
from magdi_cli.evaluate.rescoring import rescored
from magdi_cli.evaluate.teams import judged_debates


def run(config: EvaluateConfig, report: Report, emit: Emit) -> Evaluation | Evaluations:
    """Evaluate into `RUN/evaluations/SUBJECT--TASK`; every prediction's line also goes to `emit`.

    The result is one `Evaluation`, or `Evaluations` where several subjects or tasks were asked for. Raises
    `GateFailed`, the result with it, after everything is written.
    """
    # what can be wrong with the bars and the reports is told before a model runs for an hour
    check_combination(config)
    check_writable(config)
    baseline = read_gates(config)
    evaluated = _evaluated(config, baseline, report, emit)
    gates = check_gates(config, evaluated, baseline)
    for warning in gates.warnings:
        report.warn(warning)
    write_reports(config, evaluated, gates, report)
    result = _result(evaluated)
    if gates.failures:
        raise GateFailed("; ".join(gates.failures), result)
    return result


def _evaluated(config: EvaluateConfig, baseline: Baseline | None, report: Report, emit: Emit) -> list[Evaluated]:
    if config.rescore:
        return rescored(config, report, emit)
    return judged_debates(config, report, emit) if config.debates else answered(config, baseline, report, emit)


def _result(evaluated: list[Evaluated]) -> Evaluation | Evaluations:
    evaluations = tuple(one.evaluation for one in evaluated)
    return evaluations[0] if len(evaluations) == 1 else Evaluations(evaluations=evaluations)
