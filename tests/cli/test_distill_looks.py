"""`magdi distill --dry-run` and `--check-gradients` as users run them."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

from magdi_cli.cli.training import view
from magdi_cli.core.records import write_records
from tests.commands import clean, magdi
from tests.distill.graphs import graph
from tests.tiny_student import build


def prepared(folder: Path) -> tuple[str, ...]:
    write_records(folder / "graphs.jsonl", [graph(["-++", "+-+"], number=n) for n in range(1, 4)])
    build(folder / "tiny")
    return ("distill", "graphs.jsonl", "--student", "./tiny", "--epochs", "1")


def test_a_dry_run_is_one_document_and_leaves_nothing(tmp_path: Path) -> None:
    command = prepared(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = magdi(*command, "--dry-run", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["schema"] == "magdi.distill-rehearsal/1"
    assert found["steps"] == len(found["plan"]) > 0
    assert found["memory"]["bytes"] == sum(part["bytes"] for part in found["memory"]["parts"])
    assert "next:" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_gradient_check_shows_matrix_and_verdict_and_leaves_nothing(tmp_path: Path) -> None:
    command = prepared(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = magdi(*command, "--check-gradients", cwd=tmp_path)
    assert "gradient norms" in done.stdout
    assert "the graph trains the student: node reaches the adapter with norm" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before


BROKEN = """
from magdi_cli.cli.app import main
from magdi_cli.distill.student.student import Student
whole = Student.vectors
Student.vectors = lambda self, batch, states: whole(self, batch, states).detach()
main()
"""


def test_a_student_that_the_graph_does_not_train_ends_with_code_7_after_the_matrix(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, *prepared(tmp_path), "--check-gradients", "--json"],
        cwd=tmp_path,
        env=clean(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert [row["reaches"] for row in json.loads(done.stdout)["matrix"]] == [True, False, False]
    assert "error: not so: the adapter is trained by next-token, margin, node (by next-token)" in done.stderr


def test_what_a_student_was_not_given_is_not_called_unknown() -> None:
    told = {"schema": "magdi.distill-result/1", "level": "graph", "validation": None, "seconds": 1.0}
    shown = StringIO()
    Console(file=shown, width=80).print(view(told, 80))
    assert shown.getvalue().split() == ["level", "graph", "seconds", "1.000"]
