"""Trackers hear every figure and can do no harm."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback

from magdi_cli.core.errors import EnvironmentProblem, UnknownName
from magdi_cli.distill.encoding.batches import Item
from magdi_cli.distill.lessons.tracker_names import TRACKERS, tracker_names
from magdi_cli.distill.training.trackers import Tracker, made_trackers
from tests.distill.courses import course, held_out_of, items_of, same_weights, steps, trained, validations
from tests.reports import Heard

SETTINGS: dict[str, Any] = {"max_steps": 3, "batch_size": 3, "eval_every": 2}


class Listener(TrainerCallback):
    """A tracker that notes what it is told, and fails at a step."""

    def __init__(self, fails_at: int = 0) -> None:
        self.fails_at = fails_at
        self.told: list[tuple[int, dict[str, float]]] = []
        self.open = self.closed = False

    def on_train_begin(self, *said: Any, **also: Any) -> None:
        self.open = True

    def on_train_end(self, *said: Any, **also: Any) -> None:
        self.closed = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **also: Any) -> None:
        if state.global_step == self.fails_at:
            raise ConnectionError("nobody there\nat all")
        self.told.append((state.global_step, logs))


@pytest.fixture(scope="module")
def items(tokenizer: Any) -> list[Item]:
    return items_of(tokenizer, range(1, 7))


def test_a_tracker_is_told_every_figure_under_flat_names(
    tiny: Path, tmp_path: Path, tokenizer: Any, items: list[Item]
) -> None:
    listener = Listener()
    tracker = Tracker("mine", listener, Heard().warn)
    trained(tiny, course(tmp_path, items, held_out=held_out_of(tokenizer, (11,)), trackers=[tracker]), **SETTINGS)
    assert [step for step, _ in listener.told] == [1, 2, 2, 3, 3]
    first, seen = steps(tmp_path)[0], validations(tmp_path)[0]
    assert listener.told[0][1] == {
        "loss": first.loss,
        "gradient_norm": first.gradient_norm,
        "learning_rate": first.learning_rate,
        "epoch": first.epoch,
        "tokens": first.tokens,
        **{f"loss/{name}": loss for name, loss in first.terms.items()},
        **{f"gradient/{name}": norm for name, norm in first.term_gradient_norms.items()},
        **{f"accuracy/{name}": share for name, share in first.accuracy.items()},
    }
    assert listener.told[2][1] == {
        "eval_loss": seen.loss,
        **{f"eval_loss/{name}": loss for name, loss in seen.terms.items()},
        **{f"eval_accuracy/{name}": share for name, share in seen.accuracy.items()},
    }
    assert (listener.open, listener.closed) == (True, True)


def test_a_tracker_that_fails_is_told_off_once_and_changes_nothing(
    tiny: Path, tmp_path: Path, items: list[Item]
) -> None:
    listener, report = Listener(fails_at=2), Heard()
    tracked = trained(
        tiny, course(tmp_path / "a", items, trackers=[Tracker("mine", listener, report.warn)]), **SETTINGS
    )
    assert report.warnings == ["mine failed and is told no more: ConnectionError: nobody there"]
    assert [step for step, _ in listener.told] == [1]
    assert same_weights(tracked, trained(tiny, course(tmp_path / "b", items), **SETTINGS))


def test_names_may_be_repeated_or_joined_and_none_is_nobody() -> None:
    assert tracker_names(()) == tracker_names(("none",)) == ()
    installed = [name for name in TRACKERS if find_spec(name)]
    assert tracker_names((",".join(installed), *installed)) == tuple(installed)


def test_an_unknown_tracker_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="close: tensorboard"):
        tracker_names(("tensorbord",))


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_ends_before_training_with_the_line_that_installs_it(name: str) -> None:
    if find_spec(name):
        pytest.skip(f"{name} is installed")
    with pytest.raises(EnvironmentProblem, match=f"pip install {name}"):
        tracker_names((name,))


def test_tensorboard_writes_beside_the_student(tiny: Path, tmp_path: Path, items: list[Item]) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    report = Heard()
    made = made_trackers(("tensorboard",), tmp_path, report.warn)
    trained(tiny, course(tmp_path, items, trackers=made), **SETTINGS)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert report.warnings == []
    assert [scalar.step for scalar in events.Scalars("train/loss/next-token")] == [1, 2, 3]
