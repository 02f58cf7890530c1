"""An evaluation and where it lies."""

from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.evaluation import Evaluation

PREDICTIONS = "predictions.jsonl"
EVALUATION = "evaluation.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """A subject on a task: its figures, and the folder with its predictions."""

    folder: Path
    evaluation: Evaluation
