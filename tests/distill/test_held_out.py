from pathlib import Path

import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import write_records
from magdi_cli.distill.lessons.held_out import read_held_out
from tests.distill.graphs import graph

LEARNED = tuple(graph(["+-"], number=n) for n in (1, 2, 3))
OTHERS = tuple(graph(["+-"], number=n) for n in (11, 12))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of graphs with validation graphs beside it."""
    write_records(tmp_path / "graphs.jsonl", LEARNED)
    write_records(tmp_path / "validation.jsonl", OTHERS)
    return tmp_path / "graphs.jsonl"


def held_out(source: Path, validation: Path | None = None) -> tuple[InteractionGraph, ...]:
    return read_held_out(DistillConfig(validation=validation), [source], LEARNED)


def test_validation_graphs_are_found_beside_the_graphs(source: Path) -> None:
    assert held_out(source) == OTHERS


def test_a_file_or_a_folder_may_be_named(source: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "mine.jsonl", OTHERS[:1])
    assert held_out(source, tmp_path / "mine.jsonl") == OTHERS[:1]
    assert held_out(source, tmp_path) == OTHERS


def test_none_switches_validation_off(source: Path) -> None:
    assert held_out(source, Path("none")) == ()


def test_files_of_other_names_have_no_validation_beside_them(source: Path) -> None:
    assert held_out(source.rename(source.with_name("mine.jsonl"))) == ()


def test_a_named_file_without_graphs_is_refused_and_one_beside_the_graphs_is_not(source: Path, tmp_path: Path) -> None:
    (tmp_path / "validation.jsonl").write_text("")
    assert held_out(source) == ()
    with pytest.raises(DataProblem, match=r"no graphs in .*validation\.jsonl"):
        held_out(source, tmp_path / "validation.jsonl")


def test_a_file_that_is_not_there_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"no validation graphs .*absent\.jsonl"):
        held_out(source, tmp_path / "absent.jsonl")


def test_a_question_that_is_also_trained_on_is_refused_by_name(source: Path) -> None:
    write_records(source.with_name("validation.jsonl"), [*OTHERS, LEARNED[1]])
    with pytest.raises(DataProblem, match="1 validation problems are also trained on: p2; split anew"):
        held_out(source)
