"""`magdi evaluate` as users run it, against a server on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import magdi
from tests.loopback import Server, serving


def replies(prompt: str) -> str:
    """Right about small sums, and talkative about large ones."""
    first = int(prompt.partition("What is ")[2].partition(" ")[0])
    return f"<think>{first} and 1</think> So the answer is {first + 1}." if first < 3 else "Who knows?"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(replies) as running:
        yield running


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"p{i}", "question": f"What is {i} + 1?", "answer": i + 1}) + "\n" for i in range(5))
    )
    return path


def test_a_person_reads_a_row_a_subject_and_a_machine_one_document(tmp_path: Path, server: Server, sums: Path) -> None:
    arguments = ("evaluate", str(sums), "--api-base", server.api_base)
    shown = magdi(*arguments, cwd=tmp_path)
    assert "m         sums   5      0.600   0.231 - 0.882" in shown.stdout
    assert "next: magdi efficiency" in shown.stderr
    document = json.loads(magdi(*arguments, "--json", cwd=tmp_path).stdout)
    assert document["schema"] == "magdi.evaluation/1"
    assert (document["n"], document["correct"], document["unanswered"]) == (5, 3, 2)


def test_votes_are_told_with_what_more_samples_would_bring(tmp_path: Path, server: Server, sums: Path) -> None:
    shown = magdi("evaluate", str(sums), "--api-base", server.api_base, "--self-consistency", "4", cwd=tmp_path).stdout
    assert "maj@1 0.600, maj@2 0.600, maj@4 0.600" in shown
    assert "answers of a problem: 0.60 different, entropy 0.00 bits; 0 tied votes" in shown
    document = json.loads((tmp_path / "runs/default/evaluations/m--sums/evaluation.json").read_text())
    assert document["maj_at"] == document["pass_at"] == pytest.approx([0.6] * 4)
    assert document["sample_interval"][0] < 0.6 < document["sample_interval"][1]


def test_streamed_predictions_are_the_files_lines(tmp_path: Path, server: Server, sums: Path) -> None:
    done = magdi("evaluate", str(sums), "--api-base", server.api_base, "-o", "-", cwd=tmp_path)
    stored = (tmp_path / "runs/default/evaluations/m--sums/predictions.jsonl").read_text()
    assert sorted(done.stdout.splitlines()) == sorted(stored.splitlines())


def test_debates_are_judged_like_models_and_only_once_in_the_efficiency_table(tmp_path: Path) -> None:
    teachers = "ada=sim?accuracy=0.9,ben=sim?accuracy=0.4"
    magdi("debate", "--task", "arithmetic", "--limit", "12", "--teachers", teachers, cwd=tmp_path)
    document = json.loads(magdi("evaluate", "--debates", "--json", cwd=tmp_path).stdout)
    assert document["schema"] == "magdi.evaluations/1"
    assert [one["subject"] for one in document["evaluations"]] == ["debate", "teacher--ada", "teacher--ben"]
    assert {one["split"] for one in document["evaluations"]} == {"train"}
    rows = json.loads(magdi("efficiency", "--json", cwd=tmp_path).stdout)["rows"]
    assert [row["system"] for row in rows] == ["debate", "teacher--ada", "teacher--ben"]
    assert rows[0]["accuracy"] == document["evaluations"][0]["accuracy"]
    assert rows[0]["tokens_per_question"] == document["evaluations"][0]["tokens_per_question"]
    assert rows[1]["cost_usd"] == 0


def test_a_gate_shows_the_result_it_failed_on(tmp_path: Path, server: Server, sums: Path) -> None:
    done = magdi(
        *("evaluate", str(sums), "--api-base", server.api_base, "--fail-under", "0.9", "--json"), cwd=tmp_path, code=7
    )
    assert json.loads(done.stdout)["accuracy"] == 0.6
    assert "accuracy 0.600 of m on sums is below --fail-under 0.9" in done.stderr


def test_a_baseline_about_something_else_is_refused_before_anybody_is_asked(
    tmp_path: Path, server: Server, sums: Path
) -> None:
    arguments = ("evaluate", str(sums), "--api-base", server.api_base)
    (tmp_path / "other.jsonl").write_text('{"id": "p", "question": "What is 1 + 1?", "answer": 2}\n')
    other = magdi("evaluate", "other.jsonl", "--api-base", server.api_base, "--json", cwd=tmp_path).stdout
    (tmp_path / "other.json").write_text(other)
    magdi(*arguments, "--fail-regression", "other.json:0.01", cwd=tmp_path, code=3)
    assert len(server.prompts) == 1


def test_a_pipeline_gets_its_reports_and_a_code_for_a_regression(tmp_path: Path, server: Server, sums: Path) -> None:
    arguments = ("evaluate", str(sums), "--api-base", server.api_base)
    (tmp_path / "main.json").write_text(magdi(*arguments, "--run-dir", "main", "--json", cwd=tmp_path).stdout)
    server.answering = lambda prompt: "So the answer is 1."
    reports = ("--junit", "out/junit.xml", "--markdown", "out/comment.md", "--lm-eval", "out/lm_eval")
    done = magdi(*arguments, *reports, "--fail-regression", "main.json:0.1", cwd=tmp_path, code=7)
    assert "accuracy 0.200 of m on sums is 0.400 below the 0.600 of main.json" in done.stderr
    assert 'failures="5"' in (tmp_path / "out/junit.xml").read_text()
    assert "1 of 1 gates failed" in (tmp_path / "out/comment.md").read_text()
    assert len(list((tmp_path / "out/lm_eval").glob("m/*"))) == 2
    magdi(*arguments, "--fail-regression", "main.json:0.4", cwd=tmp_path)
