import io
import json
import sys
from pathlib import Path

import pytest

from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import decode, encode
from magdi_cli.tasks.loading import load_file, load_problems

ROWS = [
    {"id": "a", "question": "1 + 1?", "answer": "2.0", "rationale": "1 + 1 = 2."},
    {"id": "b", "question": "Which?", "options": ["red", "blue"], "answer": "blue", "meta": {"level": 3}},
    {"id": "c", "question": "Is it?", "answer": "true", "context": "It is."},
]


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def check(problems):
    first, second, third = problems
    assert (first.id, first.gold, first.meta) == ("a", "2", {"rationale": "1 + 1 = 2."})
    assert (second.choices, second.gold, second.meta["level"]) == (("red", "blue"), "B", 3)
    assert (third.question, third.gold) == ("It is.\n\nIs it?", "yes")
    assert {problem.task for problem in problems} == {"mine"}


def test_json_lines_are_read(tmp_path):
    check(list(load_file(write(tmp_path / "mine.jsonl", *ROWS), limit=0)))


def test_a_json_list_is_read(tmp_path):
    check(list(load_file(write(tmp_path / "mine.json", ROWS), limit=0)))


@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("csv", ";"), ("tsv", "\t")])
def test_tables_are_read(tmp_path, suffix, delimiter):
    header = ["id", "question", "options", "answer", "rationale", "context", "meta"]
    rows = [
        ["a", "1 + 1?", "", "2.0", "1 + 1 = 2.", "", ""],
        ["b", "Which?", "red|blue", "blue", "", "", '"{""level"": 3}"'],
        ["c", "Is it?", "", "true", "", "It is.", ""],
    ]
    path = write(tmp_path / f"mine.{suffix}", *(delimiter.join(row) for row in [header, *rows]))
    check(list(load_file(path, limit=0)))


def test_parquet_is_read(tmp_path):
    import pyarrow
    from pyarrow import parquet

    columns = ["id", "question", "options", "answer", "rationale", "context", "meta"]
    table = pyarrow.table({name: [row.get(name) for row in ROWS] for name in columns})
    parquet.write_table(table, tmp_path / "mine.parquet")
    check(list(load_file(tmp_path / "mine.parquet", limit=0)))


def test_json_lines_are_read_from_stdin(monkeypatch):
    content = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert [problem.task for problem in load_file(Path("-"), limit=2)] == ["stdin", "stdin"]


def test_rows_that_are_problems_already_stay_what_they_are(tmp_path):
    (problem,) = load_file(write(tmp_path / "first.jsonl", ROWS[1]), limit=0)
    again = tmp_path / "second.jsonl"
    again.write_bytes(encode(problem))
    assert list(load_file(again, limit=0)) == [problem]
    assert decode(Problem, encode(problem).strip(), "here") == problem


def test_an_id_defaults_to_the_question_whatever_its_case_and_spacing(tmp_path):
    one = next(load_file(write(tmp_path / "1.jsonl", {"question": "What  is IT?", "answer": "1"}), limit=0))
    two = next(load_file(write(tmp_path / "2.jsonl", {"question": " what is it? ", "answer": "2"}), limit=0))
    assert one.id == two.id


def test_the_limit_counts_problems_and_spares_what_lies_behind(tmp_path):
    path = write(tmp_path / "mine.jsonl", *ROWS, "not json")
    assert len(list(load_file(path, limit=3))) == 3


def test_a_negative_limit_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="limit of -1"):
        load_file(write(tmp_path / "mine.jsonl", *ROWS), limit=-1)


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    path = tmp_path / "data.jsonl"
    write(
        path,
        {"id": "q7", "question": "1?", "answer": "1"},
        {"question": " ", "answer": "1"},
        {"id": "q7", "question": "2?", "answer": "2"},
        {"qustion": "3?", "answer": "3"},
        {"question": "4?"},
        {"question": "5?", "options": ["x", "y"], "answer": "z"},
        "[1]",
        "{broken",
        {"question": "6?", "options": ["x"], "answer": "A"},
        {"question": "7?", "options": "x|", "answer": "A"},
        {"question": ["8?"], "answer": "A"},
        {"question": "9\0?", "answer": "A"},
        {"question": "\ud800?", "answer": "A"},
        {"question": "10?", "answer": "A", "meta": 5},
        '{"question": "11?", "answer": NaN}',
    )
    path.write_bytes(path.read_bytes() + b'{"question": "\xff"}\n\0\n' + b"[" * 100_000 + b"\n")
    with pytest.raises(DataProblem) as caught:
        load_file(path, limit=0)
    told = str(caught.value).removeprefix(str(path)).split("; :")
    assert told == [
        ":2 'question' is empty",
        "3 id 'q7' repeats :1",
        "4 no 'question' (columns: qustion, answer)",
        "5 no 'answer' (columns: question)",
        "6 answer 'z' names none of the 2 options",
        "7 is a list, not an object",
        "8 is not JSON (Expecting property name enclosed in double quotes)",
        "9 1 options; between 2 and 26 make a choice",
        "10 option 2 is empty",
        "11 'question' is a list, not a text",
        "12 'question' holds a NUL character",
        "13 'question' holds half of a surrogate pair",
        "14 'meta' is a int, not an object",
        "15 is not JSON (NaN is not JSON)",
        "16 is not UTF-8 (byte 15)",
        "17 holds a NUL byte",
        "18 is not JSON (nested too deeply)",
    ]


def test_reading_stops_after_twenty_faults(tmp_path):
    path = write(tmp_path / "data.jsonl", *[{"question": "", "answer": "1"}] * 50)
    with pytest.raises(DataProblem) as caught:
        load_file(path, limit=0)
    assert str(caught.value).count("is empty") == 20
    assert str(caught.value).endswith("stopped after 20 faults")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"question,answer\n1?,2,3\n", "a.csv:2 has 3 cells where the header has 2"),
        ("a.csv", b"frage,antwort\n1?,2\n", r"a.csv:1 has no column 'question' \(read as utf-8"),
        ("a.csv", b"question,answer\n1\xff?,2\n", r"a.csv:2 is not UTF-8 \(byte 0xff\); save it as UTF-8"),
        ("a.csv", b'question,answer\n"1?,2\n', r"a.csv:2 is no table row \(.*delimiter ','\)"),
        ("a.json", b'{"question": "1?"}', "a list of objects is wanted, not a dict"),
        ("a.json", b"{", "one object a line is .jsonl"),
        ("a.parquet", b"PAR1", "a.parquet is no readable parquet file"),
        ("a.jsonl", b"\n\n", "a.jsonl holds no problems"),
        ("a.xml", b"<a/>", r"cannot read .*a.xml: known are .jsonl .json .csv .tsv .parquet"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataProblem, match=message):
        load_file(tmp_path / name, limit=0)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataProblem, match=r"cannot read .*none.jsonl: No such file"):
        load_file(tmp_path / "none.jsonl", limit=0)


def test_the_data_dir_goes_before_the_hub(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    write(tmp_path / "gsm8k" / "test.jsonl", ROWS[0])
    (problem,) = load_problems("gsm8k", "test", data_dir=tmp_path, limit=0)
    assert (problem.task, problem.gold) == ("gsm8k", "2")


def test_a_missing_split_names_those_that_exist(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    write(tmp_path / "gsm8k" / "train.jsonl", ROWS[0])
    with pytest.raises(DataProblem, match="gsm8k has train there"):
        load_problems("gsm8k", "test", data_dir=tmp_path, limit=0)
    with pytest.raises(DataProblem, match="it holds gsm8k"):
        load_problems("math", "test", data_dir=tmp_path, limit=0)


def test_a_gold_that_is_not_of_the_task_s_kind_is_a_fault(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    write(tmp_path / "gsm8k" / "test.jsonl", {"question": "1?", "answer": "blue"})
    with pytest.raises(DataProblem, match=r"test.jsonl:1 answer 'blue' is not a number"):
        load_problems("gsm8k", "test", data_dir=tmp_path, limit=0)
