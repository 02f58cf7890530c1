from pathlib import Path

import pytest
from hypothesis import given

from magdi_cli.core.debate import Debate
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import (
    decode,
    encode,
    read_records,
    read_sound,
    repair_tail,
    replacing,
    replacing_folder,
    write_records,
)
from tests.strategies import debates, graphs, problem


@given(debates())
def test_a_debate_survives_disk(debate: Debate) -> None:
    assert decode(Debate, encode(debate), "here") == debate


@given(graphs())
def test_a_graph_survives_disk(graph: InteractionGraph) -> None:
    assert decode(InteractionGraph, encode(graph), "here") == graph


def test_the_schema_is_the_first_key() -> None:
    assert encode(_debate()).startswith(b'{"schema":"magdi.debate/1","problem":{"id":"p1",')


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        (b'"agents"', b'"agent5"', "agent5: unknown key"),
        (b"debate/1", b"debate/2", "schema: Input should be 'magdi.debate/1'"),
        (b'"question":"What', b'"question":5,"x":"What', "problem.x: unknown key"),
        (b'"agents":["a","b"]', b'"agents":["a","a"]', "problem 'p1': two agents share a name"),
        (b"}", b"", "Invalid JSON"),
    ],
)
def test_a_bad_line_is_named_by_file_line_and_fault(tmp_path: Path, find: bytes, put: bytes, said: str) -> None:
    path = tmp_path / "debates.jsonl"
    path.write_bytes(encode(_debate()) + encode(_debate()).replace(find, put, 1))
    with pytest.raises(DataProblem) as caught:
        list(read_records(path, Debate))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert said in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"cannot read .*none\.jsonl: No such file"):
        list(read_records(tmp_path / "none.jsonl", Debate))


@pytest.mark.parametrize(
    ("content", "kept"),
    [(b"", b""), (b"a\nb\n", b"a\nb\n"), (b"a\nb", b"a\n"), (b"torn", b""), (b"a\n" + b"x" * 200_000, b"a\n")],
)
def test_a_torn_last_line_is_cut_and_nothing_else(tmp_path: Path, content: bytes, kept: bytes) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    assert repair_tail(path) == len(content) - len(kept)
    assert path.read_bytes() == kept


def test_a_replaced_file_keeps_its_old_content_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(path) as handle:
        handle.write(b"new" + None)  # type: ignore[operator]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_replaced_folder_keeps_its_old_content_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    with pytest.raises(FileNotFoundError), replacing_folder(tmp_path / "folder") as folder:
        (folder / "none" / "new").touch()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["folder", "folder/old"]


def test_a_replaced_folder_holds_the_new_content_only_whatever_a_crash_left_beside_it(tmp_path: Path) -> None:
    for name in ("folder", "folder.partial", "folder.former"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").touch()
    with replacing_folder(tmp_path / "folder") as folder:
        (folder / "new").touch()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["folder", "folder/new"]


def test_written_records_are_counted(tmp_path: Path) -> None:
    assert write_records(tmp_path / "debates.jsonl", [_debate(), _debate()]) == 2


def _debate() -> Debate:
    return Debate(problem=problem(), agents=("a", "b"), turns=(), stopped="rounds", answer=None)


def test_all_bad_lines_of_a_file_are_told_at_once_with_the_way_out(tmp_path: Path) -> None:
    good = encode(problem())
    path = tmp_path / "problems.jsonl"
    path.write_bytes(good + b'{"id": 3}\n' + good + b"no json\n")
    with pytest.raises(DataProblem, match=r"problems\.jsonl:2: .*; :4: .*; mend it"):
        read_sound(path, Problem, way_out="mend it")
    path.write_bytes(good + b"\n" + good)
    assert read_sound(path, Problem, way_out="mend it") == [problem(), problem()]


def test_a_record_of_another_kind_is_told_as_such(tmp_path: Path) -> None:
    line = b'{"schema": "magdi.prediction/2", "problem": 1}'
    with pytest.raises(DataProblem, match=r"here: schema: .*'magdi.prediction/1', and is 'magdi.prediction/2'"):
        decode(Prediction, line, "here")
