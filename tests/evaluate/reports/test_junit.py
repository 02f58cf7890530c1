import tracemalloc
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation, Prediction
from magdi_cli.core.printable import printable
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import write_records
from magdi_cli.evaluate.evaluated import PREDICTIONS, Evaluated
from magdi_cli.evaluate.gates import check_gates
from magdi_cli.evaluate.reports.junit import write_junit
from tests.evaluate.made import evaluation, prediction, some, stored
from tests.strategies import texts

NOT_XML = "\x00\x08\x0b\x1b\x7f\x85\ufffe\uffff"


def report(tmp_path: Path, *evaluated: Evaluated, fail_under: float | None = None) -> Element:
    gates = check_gates(EvaluateConfig(fail_under=fail_under), evaluated, None)
    write_junit(tmp_path / "junit.xml", evaluated, gates)
    return ElementTree.parse(tmp_path / "junit.xml").getroot()


def cases(root: Element) -> list[Element]:
    return list(root.iter("testcase"))


def text_of(case: Element, tag: str) -> str:
    return case.findtext(tag) or ""


def test_a_suite_for_each_subject_and_task_and_a_case_for_each_problem(tmp_path: Path) -> None:
    root = report(tmp_path, stored(tmp_path, some()), stored(tmp_path, some(["4"]), subject="base", task="svamp"))
    assert [suite.get("name") for suite in root] == ["graph on toy", "base on svamp"]
    assert [(case.get("classname"), case.get("name")) for case in cases(root)] == [
        ("magdi.toy.graph", "p0"),
        ("magdi.toy.graph", "p1"),
        ("magdi.toy.graph", "p2"),
        ("magdi.svamp.base", "p0"),
    ]


def test_wrong_answers_do_not_fail_a_pipeline_that_set_no_bar(tmp_path: Path) -> None:
    root = report(tmp_path, stored(tmp_path, some()))
    right, wrong, silent = cases(root)
    assert list(right) == []
    assert [[part.tag for part in case] for case in (wrong, silent)] == [["properties", "system-out"]] * 2
    assert [case.find("properties/property").attrib for case in (wrong, silent)] == [  # type: ignore[union-attr]
        {"name": "correct", "value": "false"}
    ] * 2
    assert text_of(wrong, "system-out").startswith("gold 4, answered 5\n")
    assert text_of(silent, "system-out").startswith("no answer could be read\n")


def test_a_gate_that_holds_is_a_passed_case_and_fails_no_answer(tmp_path: Path) -> None:
    root = report(tmp_path, stored(tmp_path, some()), fail_under=0.3)
    gate, *_ = cases(root)
    assert (gate.get("name"), gate.get("classname"), list(gate)) == ("accuracy >= 0.3", "magdi.toy.graph", [])
    assert list(root.iter("failure")) == []


def test_a_failed_gate_is_a_failure_and_so_are_the_wrong_answers_of_its_suite(tmp_path: Path) -> None:
    good = stored(tmp_path, some(["4"]), subject="good")
    root = report(tmp_path, stored(tmp_path, some()), good, fail_under=0.5)
    gate, right, wrong, silent, *others = cases(root)
    failures = [case.find("failure") for case in (gate, wrong, silent)]
    assert [failure.get("message") for failure in failures if failure is not None] == [
        "accuracy 0.333 of graph on toy is below --fail-under 0.5",
        "gold 4, answered 5",
        "no answer could be read",
    ]
    assert [failure.get("type") for failure in failures if failure is not None] == ["gate", "wrong-answer", "no-answer"]
    assert [case.find("failure") for case in (right, *others)] == [None] * 3
    assert all(part in text_of(wrong, "failure") for part in ("What is 2 + 2?", "gold: 4", "answer: 5", "It is 5."))


@pytest.mark.parametrize("fail_under", [None, 0.2, 0.6, 1.0])
def test_the_counts_are_those_of_the_cases(tmp_path: Path, fail_under: float | None) -> None:
    root = report(
        tmp_path, stored(tmp_path, some()), stored(tmp_path, some(["4", "4"]), subject="base"), fail_under=fail_under
    )
    for level in (root, *root):
        inside = cases(level)
        assert int(level.attrib["tests"]) == len(inside)
        assert int(level.attrib["failures"]) == sum(case.find("failure") is not None for case in inside)
        assert (level.get("errors"), level.get("skipped")) == ("0", "0")
        assert float(level.attrib["time"]) == pytest.approx(sum(float(case.attrib["time"]) for case in inside))


def test_the_properties_of_a_suite_hold_its_figures(tmp_path: Path) -> None:
    root = report(tmp_path, stored(tmp_path, some(), self_consistency=4, out_of_domain=True))
    told = {p.get("name"): p.get("value") for p in root.findall("testsuite/properties/property")}
    assert (told["accuracy"], told["samples a problem"], told["out of domain"]) == ("0.3333", "4", "true")
    assert (told["interval"], told["tokens a question"]) == ("0.0615 to 0.7923", "5.0")


def test_a_dot_in_a_name_makes_no_further_group(tmp_path: Path) -> None:
    root = report(tmp_path, stored(tmp_path, some(["4"]), subject="Qwen2.5-0.5B"))
    assert cases(root)[0].get("classname") == "magdi.toy.Qwen2_5-0_5B"
    assert root[0].get("name") == "Qwen2.5-0.5B on toy"


def test_the_text_is_that_of_the_sample_that_was_chosen_and_keeps_its_end(tmp_path: Path) -> None:
    first, chosen = (prediction(answer, "x" * 5000 + text).samples[0] for answer, text in ((None, "?"), ("5", "END")))
    voted = Prediction(problem=prediction().problem, samples=(first, chosen), answer=Answer("5"), correct=False)
    (case,) = cases(report(tmp_path, stored(tmp_path, [voted])))
    told = text_of(case, "system-out")
    assert told.endswith("xEND")
    assert "[... 4,003 characters ...]" in told
    assert len(told) < 2000


def test_a_problem_without_any_reply_is_told_too(tmp_path: Path) -> None:
    nothing = Prediction(problem=prediction().problem, samples=(), answer=None, correct=False)
    (case,) = cases(report(tmp_path, stored(tmp_path, [nothing])))
    assert text_of(case, "system-out").startswith("no answer could be read")


@given(text=texts, id=texts.filter(str.strip), failed=st.booleans())
def test_any_text_makes_sound_xml(tmp_path_factory: pytest.TempPathFactory, text: str, id: str, failed: bool) -> None:
    tmp_path = tmp_path_factory.mktemp("junit")
    hostile = f"{text}{NOT_XML}]]><failure message='\"&quot;'>&amp;{text}\r\n"
    asked = Problem(id=id, task="toy", question=hostile, gold=Answer("4"))
    made = stored(tmp_path, [prediction(hostile, hostile, of=asked)], subject="s<&>\"'\x01")
    root = report(tmp_path, made, fail_under=0.5 if failed else None)
    case = cases(root)[-1]
    assert case.get("name") == printable(id)
    assert [part.tag for part in case] == ["properties", "failure" if failed else "system-out"]
    # a reader of XML takes the newline that we write for one, and no text for markup
    assert printable(hostile).strip() in text_of(case, case[-1].tag)


def test_predictions_that_are_not_those_of_the_evaluation_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    made = stored(tmp_path, some())
    write_records(made.folder / PREDICTIONS, some(["4", "4"]))
    with pytest.raises(DataProblem, match=r"holds 2 of 2 right, its evaluation says 1 of 3; magdi evaluate --rescore"):
        report(tmp_path, made)
    assert not (tmp_path / "junit.xml").exists()


def test_memory_does_not_grow_with_the_number_of_problems(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        wrong = prediction("5", *["word " * 400] * 10)
        folder = tmp_path / str(n)
        write_records(folder / PREDICTIONS, (wrong for _ in range(n)))
        figures: Evaluation = evaluation(0, n)
        tracemalloc.start()
        report_path = tmp_path / "big.xml"
        write_junit(
            report_path, [Evaluated(folder=folder, evaluation=figures)], check_gates(EvaluateConfig(), [], None)
        )
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is imported or cached once
    assert peak(2000) < peak(100) + 200_000
