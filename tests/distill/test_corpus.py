from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import BAD_LINES, encode, write_records
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


def test_all_bad_graphs_of_a_file_are_told_at_once_with_the_way_out(tmp_path: Path) -> None:
    sound = encode(graph(["+-", "-+"]))
    lines = [
        sound,
        sound.replace(b"[0,2]", b"[0,9]"),
        b"{cut off\n",
        b'{"schema":"magdi.debate/1","problem":{},"agents":[]}\n',
        sound.replace(b"graph/1", b"graph/2"),
    ]
    path = tmp_path / "graphs.jsonl"
    path.write_bytes(b"".join(lines))
    with pytest.raises(DataProblem) as caught:
        read_corpus(DistillConfig(graphs=(path,)), Heard())
    told = str(caught.value).removeprefix(str(path)).split("; ")
    assert [fault.partition(" ")[0] for fault in told] == [":2:", ":3:", ":4:", ":5:", "magdi"]
    assert "problem 'p1': edge 0->9 leaves the graph of 4 nodes" in told[0]
    assert told[2] == ":4: schema: Input should be 'magdi.graph/1', and is 'magdi.debate/1'"
    assert told[3] == ":5: schema: Input should be 'magdi.graph/1', and is 'magdi.graph/2'"
    assert told[4] == "magdi build-graph makes sound graphs of debates"


def test_reading_stops_after_so_many_bad_graphs(tmp_path: Path) -> None:
    path = tmp_path / "graphs.jsonl"
    path.write_text("oops\n" * 10_000)
    with pytest.raises(DataProblem) as caught:
        read_corpus(DistillConfig(graphs=(path,)), Heard())
    assert str(caught.value).count("Invalid JSON") == BAD_LINES


def test_a_run_named_in_place_of_its_graphs_is_told_apart(tmp_path: Path) -> None:
    write_records(tmp_path / "run/graphs/graphs.jsonl", [graph(["+-"])])
    (tmp_path / "other").mkdir()
    for name, said in (("run", f"--run-dir {tmp_path / 'run'} reads"), ("other", "name a file of graphs")):
        with pytest.raises(DataProblem, match=f"no graphs.jsonl in the folder {tmp_path / name}; {said}"):
            read_corpus(DistillConfig(graphs=(tmp_path / name,)), Heard())
