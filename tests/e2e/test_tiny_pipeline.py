"""The five commands on the tiny student, through transformers: every part real, seconds each."""

import json
from pathlib import Path

import pytest

from tests import tiny_student
from tests.commands import magdi


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all five commands have been run."""
    folder = tmp_path_factory.mktemp("pipeline")
    student = tiny_student.build(folder / "tiny")
    seats = "ada=sim?accuracy=0.7,ben=sim?accuracy=0.5,cy=sim?accuracy=0.3&failure=0.05"
    panel = ("--teachers", seats, "--fail-on-error", "0.5")
    magdi("debate", "--task", "arithmetic", "--limit", "12", *panel, cwd=folder)
    magdi("build-graph", cwd=folder)
    magdi("distill", "--student", str(student), "--max-steps", "4", "--max-length", "2048", cwd=folder)
    for subject in ("graph", "base"):
        magdi(
            *("evaluate", "--student", subject, "--engine", "transformers", "--limit", "4", "--max-tokens", "12"),
            *("--self-consistency", "2"),
            cwd=folder,
        )
    magdi("efficiency", cwd=folder)
    return folder / "runs" / "default"


def test_every_artifact_is_complete_and_chained(run: Path) -> None:
    kinds = {
        "debates": "debates", "graphs": "graphs", "students/graph": "student",
        "evaluations/graph--arithmetic": "evaluation", "evaluations/base--arithmetic": "evaluation",
        "efficiency": "efficiency",
    }  # fmt: skip
    manifests = {folder: json.loads((run / folder / "manifest.json").read_text()) for folder in kinds}
    assert {folder: manifest["kind"] for folder, manifest in manifests.items()} == kinds
    debates = {output["name"]: output["sha256"] for output in manifests["debates"]["outputs"]}
    assert set(debates) == {"debates.jsonl", "calls.jsonl"}
    assert manifests["graphs"]["inputs"] == [{"name": "debates.jsonl", "sha256": debates["debates.jsonl"]}]
    assert manifests["students/graph"]["inputs"][0]["sha256"] == manifests["graphs"]["outputs"][0]["sha256"]


def test_the_student_folder_is_what_the_readme_promises(run: Path) -> None:
    names = {path.name for path in (run / "students/graph").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "magdi_heads.safetensors"} <= names
    assert {"metrics.jsonl", "README.md", "manifest.json", "tokenizer.json"} <= names


def test_every_objective_was_logged_at_every_step(run: Path) -> None:
    steps = [json.loads(line) for line in (run / "students/graph/metrics.jsonl").read_text().splitlines()]
    assert [step["step"] for step in steps] == [1, 2, 3, 4]
    assert all(set(step["terms"]) == {"next-token", "margin", "node"} for step in steps)


def test_the_evaluation_follows_from_its_predictions(run: Path) -> None:
    folder = run / "evaluations/graph--arithmetic"
    evaluation = json.loads((folder / "evaluation.json").read_text())
    predictions = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert (evaluation["n"], evaluation["self_consistency"], evaluation["engine"]) == (4, 2, "transformers")
    assert evaluation["correct"] == sum(prediction["correct"] for prediction in predictions)
    assert [len(prediction["samples"]) for prediction in predictions] == [2] * 4
    tokens = sum(sample["completion_tokens"] for prediction in predictions for sample in prediction["samples"])
    assert evaluation["tokens_per_question"] == tokens / 4


def test_rescoring_changes_nothing_that_was_judged_right(run: Path) -> None:
    before = (run / "evaluations/graph--arithmetic/evaluation.json").read_bytes()
    magdi("evaluate", "--rescore", cwd=run.parent.parent)
    assert (run / "evaluations/graph--arithmetic/evaluation.json").read_bytes() == before


def test_a_gate_ends_with_code_7(run: Path) -> None:
    done = magdi("evaluate", "--rescore", "--fail-under", "1", cwd=run.parent.parent, code=7)
    assert "is below --fail-under 1" in done.stderr


def test_a_finished_stage_is_not_done_again(run: Path) -> None:
    weights = (run / "students/graph/adapter_model.safetensors").stat().st_mtime_ns
    student = json.loads((run / "students/graph/manifest.json").read_text())["config"]["student"]
    magdi("distill", "--student", student, "--max-steps", "4", "--max-length", "2048", cwd=run.parent.parent)
    assert (run / "students/graph/adapter_model.safetensors").stat().st_mtime_ns == weights


def test_efficiency_compares_all_with_the_debate(run: Path) -> None:
    report = json.loads((run / "efficiency/efficiency.json").read_text())
    assert [row["system"] for row in report["rows"]] == ["debate", "base, vote of 2", "graph, vote of 2"]
    debate, *students = report["rows"]
    for row in students:
        assert row["ratio"] == pytest.approx(debate["tokens_per_question"] / row["tokens_per_question"])


@pytest.mark.e2e
def test_a_merged_student_answers_as_the_student_does(run: Path) -> None:
    home = run.parent.parent
    done = magdi("merge", "graph", "--dtype", "float32", "--to", "plain", "--json", cwd=home)
    document = json.loads(done.stdout)
    assert (document["schema"], document["folder"], document["dtype"]) == ("magdi.merge-result/1", "plain", "float32")
    assert [row["model"] for row in document["logits"]] == ["base alone", "merged", "merged, as written"]
    magdi(
        *("evaluate", "--student", "plain", "--engine", "transformers", "--limit", "4", "--max-tokens", "12"),
        *("--self-consistency", "2"),
        cwd=home,
    )

    def said(subject: str) -> list[list[str]]:
        lines = (run / f"evaluations/{subject}--arithmetic/predictions.jsonl").read_text().splitlines()
        return [[sample["text"] for sample in json.loads(line)["samples"]] for line in lines]

    assert said("plain") == said("graph")
    assert said("plain") != said("base")
