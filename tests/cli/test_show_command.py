"""`magdi show` in real processes, over runs of simulated teachers."""

import json
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.records import write_records
from tests.commands import magdi
from tests.debates import PERSUADED
from tests.files import debates_held

TEACHERS = "a=sim,b=sim?accuracy=0.4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in its default place."""
    folder = tmp_path_factory.mktemp("show")
    magdi("debate", "--teachers", TEACHERS, "--task", "arithmetic", "--limit", "4", cwd=folder)
    return folder


def document(*arguments: str, cwd: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(magdi("show", *arguments, "--json", cwd=cwd).stdout)
    assert found["schema"] == "magdi.show/1"
    return found


def test_a_run_is_listed_one_debate_a_line(folder: Path) -> None:
    shown = magdi("show", cwd=folder).stdout
    lines = shown.splitlines()
    assert lines[0].startswith("4 debates, ")
    assert lines[2].split()[:3] == ["#", "id", "question"]
    assert [line.split()[1] for line in lines[3:7]] == [debate.problem.id for debate in debates_held(folder)]
    assert all(("right" in line) != ("wrong" in line) for line in lines[3:7])
    assert max(map(len, lines)) <= 120
    assert "\x1b" not in shown


def test_the_run_its_folder_and_its_file_list_the_same(folder: Path) -> None:
    ways = ("runs/default", "runs/default/debates", "runs/default/debates/debates.jsonl")
    rows = [document(way, cwd=folder)["rows"] for way in ways]
    rows.append(json.loads(magdi("show", "--json", cwd=folder, MAGDI_RUN_DIR="runs/default").stdout)["rows"])
    assert all(found == rows[0] for found in rows)
    assert len(rows[0]) == 4


def test_filters_leave_rows_out_and_counts_alone(folder: Path) -> None:
    everything = document(cwd=folder)
    for flag, keep in (("--wrong", lambda row: not row["correct"]), ("--changed", lambda row: row["changed"])):
        found = document(flag, cwd=folder)
        assert found["rows"] == [row for row in everything["rows"] if keep(row)]
        assert (found["debates"], found["right"]) == (4, everything["right"])


def test_a_problem_is_found_by_id_and_by_number(folder: Path) -> None:
    second = debates_held(folder)[1]
    by_id = document("runs/default", second.problem.id, cwd=folder)
    assert by_id == document("runs/default", "#2", cwd=folder)
    assert by_id["number"] == 2
    assert by_id["debate"]["turns"][0]["text"] == second.turns[0].text
    assert len(by_id["readings"]) == len(second.turns)
    assert {"changes", "vote", "usage", "correct"} <= by_id.keys()


def test_a_transcript_is_plain_text_in_a_pipe(folder: Path) -> None:
    shown = magdi("show", "runs/default", "#1", cwd=folder).stdout
    lines = shown.splitlines()
    first = debates_held(folder)[0]
    assert lines[0] == f"Debate #1: {first.problem.id} (arithmetic)"
    assert f"Gold: {first.problem.gold}" in lines
    assert "Round 0: everybody alone" in lines
    assert any(line.startswith("Team answer: ") for line in lines)
    assert "\x1b" not in shown
    assert max(map(len, lines)) <= 120


def test_an_unfinished_run_is_read_and_its_torn_last_line_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "runs/default/debates/debates.jsonl").read_bytes().splitlines(keepends=True)
    torn = tmp_path / "debates.jsonl"
    torn.write_bytes(b"".join(lines[:2]) + lines[2][:100])
    done = magdi("show", ".", "--json", cwd=tmp_path)
    assert len(json.loads(done.stdout)["rows"]) == 2
    assert "warning: debates.jsonl:3: skipped a torn last line of 100 bytes" in done.stderr
    assert torn.read_bytes() == b"".join(lines[:2]) + lines[2][:100]
    torn.write_bytes(b"".join(lines[:2]).rstrip(b"\n"))
    assert len(document(".", cwd=tmp_path)["rows"]) == 2


def test_hostile_text_reaches_no_terminal(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07\r\x00\u202e"
    text = json.dumps(hostile)[1:-1]
    path = tmp_path / "debates.jsonl"
    write_records(path, [PERSUADED])
    path.write_text(path.read_text().replace("in round 0", text).replace("How many", text))
    for arguments in ([], ["#1"]):
        shown = magdi("show", ".", *arguments, cwd=tmp_path).stdout
        assert not set(shown) & set(hostile) - set("]0;owned")
        assert "␛]0;owned␇␍␀<U+202E>" in shown
    assert hostile in document(".", "#1", cwd=tmp_path)["debate"]["turns"][0]["text"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 3, "no debates in nowhere; run magdi debate first"),
        (["runs/default", "arithmetic-train-33"], 2, "close: arithmetic-train-3"),
        (["runs/default", "#5"], 2, "no debate #5; the last one is #4"),
        (["runs/default", "#0"], 2, "no debate #0"),
        (["runs/default", "#" + "9" * 5000], 2, "no problem named '#999"),
        (["runs/default", "#1", "--wrong"], 2, "--wrong chooses among debates"),
        (["runs/default/debates/calls.jsonl"], 3, "calls.jsonl:1: "),
        (["empty.jsonl"], 3, "no debate in empty.jsonl is finished yet"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(folder: Path, arguments: list[str], code: int, said: str) -> None:
    (folder / "empty.jsonl").touch()
    done = magdi("show", *arguments, cwd=folder, code=code)
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]


def test_thousands_of_ids_are_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "debates.jsonl"
    write_records(path, [PERSUADED])
    line = path.read_text()
    path.write_text("".join(line.replace('"plums"', f'"plums-{n}"') for n in range(2000)))
    done = magdi("show", ".", "plums-19999", cwd=tmp_path, code=2)
    assert "close: plums-1999" in done.stderr
    assert "and 1970 more" in done.stderr
    assert len(done.stderr) < 1000
