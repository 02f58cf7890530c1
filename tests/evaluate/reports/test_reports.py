import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.evaluate.gates import Gates, check_gates, read_gates
from magdi_cli.evaluate.reports import check_writable, write_reports
from tests.evaluate.made import prediction, some, stored
from tests.reports import Heard


def everything(root: Path) -> dict[str, Any]:
    return {"junit": root / "a" / "junit.xml", "markdown": root / "b" / "comment.md", "lm_eval": root / "c" / "lm_eval"}


def test_without_options_nothing_is_written_or_said(tmp_path: Path) -> None:
    heard = Heard()
    check_writable(EvaluateConfig())
    write_reports(EvaluateConfig(), [stored(tmp_path / "run", some())], Gates(), heard)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (heard.notes, heard.warnings) == ([], [])


def test_each_report_goes_where_its_option_says_and_that_is_noted(tmp_path: Path) -> None:
    heard, options = Heard(), everything(tmp_path)
    config = EvaluateConfig(**options)
    check_writable(config)
    assert not options["junit"].exists()
    write_reports(config, [stored(tmp_path / "run", some())], Gates(), heard)
    (results,) = options["lm_eval"].glob("graph/results_*.json")
    assert heard.notes == [
        f"JUnit XML: {options['junit']}",
        f"Markdown: {options['markdown']}",
        f"lm-eval's results, samples beside them: {results}",
    ]
    assert ElementTree.parse(options["junit"]).getroot().tag == "testsuites"
    assert options["markdown"].read_text().startswith("<!-- magdi evaluate -->\n")


def test_a_second_time_takes_the_place_of_the_first(tmp_path: Path) -> None:
    config = EvaluateConfig(junit=tmp_path / "junit.xml", markdown=tmp_path / "comment.md")
    for answers in (["4"] * 50, ["4"]):
        check_writable(config)
        write_reports(config, [stored(tmp_path / "run", some(answers))], Gates(), Heard())
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("tests") == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["comment.md", "junit.xml", "run"]


@pytest.mark.parametrize("name", ["junit", "markdown"])
def test_a_folder_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match=rf"--{name} .* is a folder; name a file"):
        check_writable(EvaluateConfig(**{name: tmp_path}))


@pytest.mark.parametrize("name", ["junit", "markdown", "lm_eval"])
def test_what_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    flag = name.replace("_", "-")
    with pytest.raises(UsageProblem, match=rf"--{flag} .* cannot be written: (Not a directory|File exists)"):
        check_writable(EvaluateConfig(**{name: tmp_path / "file" / "deeper" / "report"}))


def test_a_file_is_no_folder_for_lm_eval(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageProblem, match=r"--lm-eval .* cannot be written: File exists"):
        check_writable(EvaluateConfig(lm_eval=tmp_path / "file"))


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/null"])
def test_a_device_is_no_file_to_put_another_in_place_of(path: str) -> None:
    with pytest.raises(UsageProblem, match="is not a plain file"):
        check_writable(EvaluateConfig(markdown=Path(path)))


@pytest.mark.parametrize("name", ["predictions.jsonl", "evaluation.json", "manifest.json"])
def test_a_report_takes_the_place_of_no_file_of_the_evaluation(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match="a file of the evaluation itself"):
        check_writable(EvaluateConfig(junit=tmp_path / name))


def test_two_reports_need_two_files(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="--junit and --markdown name one file"):
        check_writable(EvaluateConfig(junit=tmp_path / "report", markdown=tmp_path / "report"))


def test_reports_import_nothing_heavy() -> None:
    program = (
        "import sys, magdi_cli.evaluate.reports\n"
        "heavy = {'torch', 'transformers', 'vllm', 'litellm', 'pydantic', 'rich', 'math_verify', 'sympy', 'datasets'}\n"
        "print(*sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.data
def test_real_replies_make_sound_reports(tmp_path: Path, data_dir: Path) -> None:
    predictions = []
    for line in (data_dir / "traces" / "math_icmlkd_test.jsonl").read_text().splitlines():
        row = json.loads(line)
        (first, *_) = row["outputs"]
        asked = Problem(id=row["qid"], task="math", question=row["question"], gold=Answer(row["gold"]))
        predictions.append(prediction(first["answer"], first["text"], of=asked))
    made = stored(tmp_path / "run", predictions, task="math")
    config = EvaluateConfig(**everything(tmp_path), fail_under=1.0)
    gates = check_gates(config, [made], read_gates(config))
    write_reports(config, [made], gates, Heard())
    wrong = made.evaluation.n - made.evaluation.correct
    assert wrong > 0
    assert len(list(ElementTree.parse(config.junit or "").iter("failure"))) == 1 + wrong
    (lines,) = (tmp_path / "c").rglob("samples_math_*.jsonl")
    replies = [json.loads(line)["resps"][0][0] for line in lines.read_text().splitlines()]
    assert replies == [one.samples[0].text for one in predictions]
