from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import write_records
from magdi_cli.distill.lessons.corpus import Corpus, read_corpus
from tests.distill.graphs import graph, problem
from tests.reports import Heard


def corpus(folder: Path, *files: Sequence[InteractionGraph]) -> tuple[Corpus, list[str]]:
    paths = tuple(folder / f"{number}.jsonl" for number in range(len(files)))
    for path, graphs in zip(paths, files, strict=True):
        write_records(path, graphs)
    report = Heard()
    return read_corpus(DistillConfig(graphs=paths), report), report.notes


def test_each_graph_knows_its_file_and_task(tmp_path: Path) -> None:
    read, notes = corpus(tmp_path, [graph(["+-"])], [graph(["-+"], number=2)])
    assert read.origins == ((str(tmp_path / "0.jsonl"), "arithmetic"), (str(tmp_path / "1.jsonl"), "arithmetic"))
    assert notes == []


def test_a_graph_that_an_earlier_file_has_is_read_once_and_said(tmp_path: Path) -> None:
    shared, other = graph(["+-"]), graph(["-+"], number=2)
    read, notes = corpus(tmp_path, [shared], [other, shared])
    assert read.graphs == (shared, other)
    assert notes == ["1 graphs are in an earlier file, too, and are read once"]


def test_a_graph_that_one_file_repeats_stays_repeated(tmp_path: Path) -> None:
    read, notes = corpus(tmp_path, [graph(["+-"])] * 2)
    assert (len(read.graphs), notes) == (2, [])


def test_another_debate_about_the_same_problem_is_a_graph_of_its_own(tmp_path: Path) -> None:
    first, second = graph(["+-"]), graph(["-+"])
    read, notes = corpus(tmp_path, [first], [second])
    assert read.graphs == (first, second)
    assert notes == ["1 graphs are further debates about problems of an earlier file; all are learned from"]


def test_an_id_that_stands_for_two_questions_makes_two_problems(tmp_path: Path) -> None:
    first = graph(["+-"])
    second = replace(first, problem=replace(problem(1), question="What is 0 + 2?"))
    read, notes = corpus(tmp_path, [first], [second])
    assert read.graphs == (first, second)
    assert notes == ["1 problems share their id, not their question, with one of an earlier file; both stay"]


def test_the_same_ids_in_other_tasks_are_nothing_to_speak_of(tmp_path: Path) -> None:
    first = graph(["+-"])
    second = replace(first, problem=replace(problem(1), task="svamp"))
    assert corpus(tmp_path, [first], [second])[1] == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_content_has_one_name_whatever_the_files_are_called(tmp_path: Path, order: tuple[int, int]) -> None:
    graphs = [graph(["+-"]), graph(["-+"], number=2)]
    apart, _ = corpus(tmp_path / "apart", *([graphs[place]] for place in order))
    together, _ = corpus(tmp_path / "together", [graphs[place] for place in order])
    assert apart.sha256 == together.sha256
