"""`magdi compare` as users run it."""

import json
from pathlib import Path

from tests.commands import magdi
from tests.evaluate.test_comparing import store


def test_a_person_reads_a_table_and_a_sentence(tmp_path: Path) -> None:
    store(tmp_path / "runs/default", "base", {"sums": "-" * 40, "more": "+-" * 20})
    store(tmp_path / "runs/default", "graph", {"sums": "+" * 30 + "-" * 10, "more": "+-" * 20})
    shown = magdi("compare", "base", "graph", "--markdown", "out/comment.md", cwd=tmp_path).stdout
    assert " sums   40   0.000   0.750   +0.750" in shown
    assert "sums: graph is better" in shown
    assert "more: too few problems to tell: 40 show differences from about" in shown
    assert "right with graph only: sums-0, sums-1, sums-2, sums-3, sums-4 and 25 more" in shown
    comment = (tmp_path / "out/comment.md").read_text()
    (row,) = [line for line in comment.splitlines() if line.startswith("| <code>sums</code>")]
    assert row.startswith("| <code>sums</code> | 40 | 0.000 | 0.750 | +0.750 (+0.")
    assert row.endswith(" | 0 | 30 | 3.73e-09 | <code>graph</code> is better |")
    document = json.loads(magdi("compare", "base", "graph", "--json", cwd=tmp_path).stdout)
    assert document["schema"] == "magdi.comparison/1"
    assert [pair["better"] for pair in document["tasks"]] == ["unclear", "b"]


def test_a_difference_never_fails_a_pipeline_and_a_wrong_name_does(tmp_path: Path) -> None:
    store(tmp_path / "runs/default", "base", {"sums": "+" * 40})
    store(tmp_path / "runs/default", "graph", {"sums": "-" * 40})
    assert "base is better" in magdi("compare", "base", "graph", cwd=tmp_path).stdout
    assert "known: base, graph" in magdi("compare", "base", "grph-x-y", cwd=tmp_path, code=2).stderr
    assert "takes two subjects" in magdi("compare", "base", cwd=tmp_path, code=2).stderr
