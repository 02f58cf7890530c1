import gzip
import json
import pickle
from pathlib import Path

import pytest

from magdi_cli.build_graph.importing.lines import read_lines
from magdi_cli.core.errors import DataProblem
from magdi_cli.tasks.rows import BadRow

ROWS = [{"a": 1}, {"a": "ü"}]
LINES = b'{"a": 1}\n\n{"a": "\xc3\xbc"}\n'
LIST = json.dumps(ROWS, indent=1, ensure_ascii=False).encode()


@pytest.mark.parametrize("content", [LINES, LIST, b"\xef\xbb\xbf" + LINES, b"\xef\xbb\xbf" + LIST])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.txt"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_and_lists_are_told_apart_by_what_is_in_them(tmp_path: Path, content: bytes, name: str, pack) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / name
    path.write_bytes(pack(content))
    assert [line.value() for line in read_lines(path)] == ROWS


def test_every_line_knows_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(LINES)
    assert [line.where for line in read_lines(path)] == [f"{path}:1", f"{path}:3"]
    path.write_bytes(LIST)
    assert [line.where for line in read_lines(path)] == [f"{path}: item 1", f"{path}: item 2"]


@pytest.mark.parametrize("name", ["mag.pkl", "mag.pickle", "mag.json", "mag.pkl.gz"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_is_never_opened_and_the_way_out_is_named(tmp_path: Path, name: str, protocol: int) -> None:
    content = pickle.dumps(ROWS, protocol)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    with pytest.raises(DataProblem, match=r"is a pickle, and reading a pickle runs .* code .*JSON"):
        list(read_lines(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(LINES, mtime=0)[:-12], "is a damaged gzip file"),
        (gzip.compress(b"x" * 9999, mtime=0)[:20], "is a damaged gzip file"),
        (b'[{"a": 1},', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[\n"\xff"]', ":2 is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with pytest.raises(DataProblem, match=said):
        list(read_lines(path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a":', "not JSON"),
        (b"\xff", "not UTF-8"),
        (b'{"a": "\x00"}', "NUL"),
        (b"7", "7, not an object"),
        (b"null", "null, not an object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_object_says_why(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(line)
    (read,) = read_lines(path)
    with pytest.raises(BadRow, match=said):
        read.value()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="is a folder"):
        list(read_lines(tmp_path))
