"""What a stopped training goes on from: checkpoints, and the lines of `metrics.jsonl` up to them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.records import repair_tail, replacing, sha256, write_records
from magdi_cli.distill.lessons.metrics import read_metrics
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.ranks import fill

STATE = "trainer_state.json"
TRAINABLE = "trainable.safetensors"
BASE = "base.json"


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the most steps, of those that were written to the end."""
    complete = [path for path in folder.glob("checkpoint-*") if step_of(path) is not None]
    return max(complete, key=lambda path: step_of(path) or 0, default=None)


def checkpoint_at(folder: Path, step: int) -> Path:
    """Where the checkpoint after a step is."""
    return folder / f"checkpoint-{step}"


def step_of(checkpoint: Path) -> int | None:
    """How many steps a checkpoint includes; None if it was not written to the end."""
    try:
        # the Trainer writes this file last
        state = json.loads((checkpoint / STATE).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return int(state["global_step"])


def require_same_base(folder: Path, weights: Sequence[Path]) -> None:
    """Note beside the checkpoints what weights they build on; a `DataProblem` where the newest builds on others."""
    noted, there = folder / BASE, {path.name: sha256(path) for path in weights}
    newest = newest_checkpoint(folder)
    if newest is None or not noted.exists():
        with replacing(noted) as handle:
            handle.write(json.dumps(there).encode())
    elif json.loads(noted.read_bytes()) != there:
        raise DataProblem(
            f"the weights of the base have changed since {newest} was made; bring the former ones back, "
            "or start over with --resume never"
        )


def save_trainable(values: Mapping[str, Tensor], folder: Path) -> None:
    """Write what training changes into a checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().contiguous() for name, value in values.items()}, folder / TRAINABLE)


def load_trainable(student: Student, checkpoint: Path) -> None:
    """Put a checkpoint's weights into the student; a `DataProblem` where they are another one's."""
    stored = load_file(checkpoint / TRAINABLE)
    if _shapes(stored) != _shapes(student.trainable()):
        raise DataProblem(f"{checkpoint} is of another student; start over with --resume never")
    for name, parameter in student.trainable().items():
        fill(parameter, stored[name])


def cut_metrics(path: Path, checkpoint: Path | None) -> None:
    """Leave of a `metrics.jsonl` the lines that the checkpoint includes."""
    last = (step_of(checkpoint) or 0) if checkpoint else 0
    repair_tail(path)
    write_records(path, [metric for metric in read_metrics(path) if metric.step <= last] if path.exists() else [])


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    return {name: tensor.shape for name, tensor in tensors.items()}
