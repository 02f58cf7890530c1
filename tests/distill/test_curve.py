from pathlib import Path

import pytest
from PIL import Image

from magdi_cli.distill.leaving.curve import CURVE, draw_curve, losses_of, running_mean
from magdi_cli.distill.lessons.metrics import Step
from tests.reports import Heard


def steps(count: int, *names: str) -> list[Step]:
    return [
        Step(
            step=number,
            epoch=0.0,
            loss=1.0,
            terms=dict.fromkeys(names, 1 / number),
            term_gradient_norms={},
            accuracy={},
            gradient_norm=1.0,
            learning_rate=0.1,
            texts=1,
            tokens=1,
            seconds=1.0,
        )
        for number in range(1, count + 1)
    ]


def test_the_running_mean_looks_back_only() -> None:
    assert running_mean([1.0, 2.0, 3.0, 10.0], 2) == pytest.approx([1.0, 1.5, 2.5, 6.5])
    assert running_mean([3.0, 5.0], 1) == [3.0, 5.0]
    assert running_mean([], 4) == []


def test_every_objective_has_its_losses_at_its_steps() -> None:
    taken = [*steps(1, "next-token"), *steps(2, "next-token", "node")[1:]]
    assert losses_of(taken) == {"next-token": [(1, 1.0), (2, 0.5)], "node": [(2, 0.5)]}


@pytest.mark.parametrize("count", [1, 3, 200])
def test_the_picture_has_a_panel_for_every_objective(tmp_path: Path, count: int) -> None:
    report = Heard()
    draw_curve(steps(count, "next-token"), tmp_path / "one.png", report, title="one")
    validation = {"node": [(1, 0.7), (2, 0.6)]}
    names = ("next-token", "margin", "node")
    draw_curve(steps(count, *names), tmp_path / "three.png", report, title="three", validation=validation)
    assert report.warnings == []
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "three.png") as three:
        assert three.height == one.height
        assert three.width == pytest.approx(3 * one.width, abs=3)
        colours = three.convert("RGB").getcolors(three.width * three.height)
    assert len(colours) > 50


def test_what_is_wrong_with_a_picture_is_a_warning_and_leaves_nothing(tmp_path: Path) -> None:
    report = Heard()
    draw_curve([], tmp_path / "none.png", report, title="no steps")
    (tmp_path / "file").touch()
    draw_curve(steps(2, "node"), tmp_path / "file" / "loss.png", report, title="no such folder")
    assert len(report.warnings) == 2
    assert all(warning.startswith("no loss curve was drawn: ") for warning in report.warnings)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_title_is_not_read_as_mathematics(tmp_path: Path) -> None:
    report = Heard()
    draw_curve(steps(2, "node"), tmp_path / CURVE, report, title="graph student of $HOME/{tiny")
    draw_curve(steps(2, "node"), tmp_path / CURVE, report, title="a$\\broken{$")
    assert report.warnings == []
