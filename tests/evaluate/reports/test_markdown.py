import html
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # what rich renders Markdown with

from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.printable import one_line
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.evaluate.baseline import Baseline, Earlier
from magdi_cli.evaluate.evaluated import Evaluated
from magdi_cli.evaluate.gates import Gate, Gates, check_gates
from magdi_cli.evaluate.reports.markdown import code, comment, write_markdown
from tests.evaluate.made import evaluation, prediction, some, stored
from tests.strategies import texts

GITHUB = 65_536
OURS = {"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>", "<!-- magdi evaluate -->"}
HOSTILE = (
    "a|b `c` **d** <img src=x onerror=y> @team #12 [e](http://f) :g: $h$ ~~i~~ </code></details>\n\n| j |\n# k\n<!--"
)
MARKUP = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def written(tmp_path: Path, *evaluated: Evaluated, **gates: Any) -> str:
    write_markdown(tmp_path / "comment.md", evaluated, Gates(**gates))
    return (tmp_path / "comment.md").read_text()


def tables(text: str) -> list[list[dict[str, str]]]:
    """Every table as a list of rows by column, the cells' text as a reader sees it."""
    found = []
    for table in re.findall(r"<table>.*?</table>", MARKUP.render(text), re.DOTALL):
        lines = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in re.findall(r"(?s)<tr>.*?</tr>", table)]
        plain = [[html.unescape(re.sub("<[^>]*>", "", cell)) for cell in cells] for cells in lines]
        found.append([dict(zip(plain[0], cells, strict=True)) for cells in plain[1:]])
    return found


def tags(text: str) -> set[str]:
    """Every piece of HTML that the text itself brings."""
    return {
        tag
        for block in MARKUP.parse(text)
        for token in (block, *(block.children or ()))
        if token.type in ("html_inline", "html_block")
        for tag in re.findall(r"<[^>]*>", token.content)
    }


def test_a_row_for_each_evaluation(tmp_path: Path) -> None:
    other = stored(tmp_path, some(["4"] * 4), subject="base", task="svamp", tokens_per_question=1234.5, truncated=2)
    first, _ = tables(written(tmp_path, stored(tmp_path, some()), other))
    assert first == [
        {
            "subject": "graph",
            "task": "toy",
            "n": "3",
            "accuracy (95 %)": "0.333 (0.061 to 0.792)",
            "unanswered": "1",
            "cut off": "0",
            "tokens/question": "5.0",
        },
        {
            "subject": "base",
            "task": "svamp",
            "n": "4",
            "accuracy (95 %)": "1.000 (0.510 to 1.000)",
            "unanswered": "0",
            "cut off": "2",
            "tokens/question": "1,234.5",
        },
    ]


def test_votes_have_columns_only_where_there_are_any(tmp_path: Path) -> None:
    voted = stored(
        tmp_path, some(), self_consistency=4, sample_accuracy=0.25, maj_at=(0.25, 0.5, 0.625), pass_at=(0.25, 0.5, 0.75)
    )
    older = stored(tmp_path, some(), subject="older", self_consistency=4, pass_at_k=0.6667)
    once = stored(tmp_path, some(), subject="once")
    rows = tables(written(tmp_path, voted, older, once))[0]
    assert [[row[name] for name in ("k", "one sample", "maj@k", "pass@k")] for row in rows] == [
        ["4", "0.250", "0.625", "0.750"],
        ["4", "0.333", "0.333", "0.667"],
        ["1", "0.333", "-", "-"],
    ]


@pytest.mark.parametrize(
    ("was", "told"),
    [(1, "+0.333 (was 0.333)"), (2, "±0.000 (was 0.667)"), (3, "-0.333 (was 1.000)")],
)
def test_the_change_is_told_where_there_is_a_baseline(tmp_path: Path, was: int, told: str) -> None:
    made, new = stored(tmp_path, some(["4", "4", "5"])), stored(tmp_path, some(), subject="new")
    baseline = Baseline(name="old.json", drop=1.0, earlier=(Earlier(evaluation=evaluation(was, 3)),))
    text = comment([made, new], check_gates(EvaluateConfig(), [made, new], baseline))
    assert [row["change"] for row in tables(text)[0]] == [told, "-"]
    assert "nothing to compare new on toy with" in text


def test_out_of_domain_has_a_footnote(tmp_path: Path) -> None:
    text = written(tmp_path, stored(tmp_path, some(), out_of_domain=True), stored(tmp_path, some(), task="other"))
    assert [row["task"] for row in tables(text)[0]] == ["toy†", "other"]
    assert "\n† out of domain: " in text
    assert "†" not in written(tmp_path, stored(tmp_path, some()))


def test_gates_are_told_those_that_failed_first(tmp_path: Path) -> None:
    good, bad = stored(tmp_path, some(["4"]), subject="good"), stored(tmp_path, some())
    text = comment([good, bad], check_gates(EvaluateConfig(fail_under=0.5), [good, bad], None))
    assert "## magdi evaluate: 1 of 2 gates failed" in text
    failed, passed = (line for line in text.splitlines() if line.startswith("- "))
    assert html.unescape(failed) == "- ❌ failed: <code>accuracy 0.333 of graph on toy is below --fail-under 0.5</code>"
    assert html.unescape(passed) == "- ✅ passed: <code>accuracy >= 0.5</code>, <code>good</code> on <code>toy</code>"


@pytest.mark.parametrize(
    ("failures", "title"),
    [
        ([], "magdi evaluate"),
        ([None], "magdi evaluate: the gate holds"),
        ([None, None], "magdi evaluate: all gates hold"),
        (["a", None], "magdi evaluate: 1 of 2 gates failed"),
    ],
)
def test_the_title_says_how_it_ended(failures: Sequence[str | None], title: str) -> None:
    gates = tuple(Gate(pair=("graph", "toy"), name="bar", failure=failure) for failure in failures)
    assert f"\n## {title}\n" in comment([], Gates(gates=gates))


def test_at_most_ten_wrong_answers_are_shown_some_of_each_evaluation(tmp_path: Path) -> None:
    many = [stored(tmp_path, some(["5"] * 30), subject=name) for name in ("a", "b", "c")]
    text = written(tmp_path, *many)
    shown = tables(text)[1]
    assert "<summary>9 of 90 wrong answers</summary>" in text
    assert [row["subject"] for row in shown] == [*"aaabbbccc"]
    assert shown[0] == {
        "subject": "a",
        "task": "toy",
        "problem": "p0",
        "question": "What is 2 + 2?",
        "gold": "4",
        "answer": "5",
    }
    assert len(tables(written(tmp_path, many[0]))[1]) == 10


def test_the_letters_of_a_choice_are_told_with_what_they_stand_for(tmp_path: Path) -> None:
    asked = Problem(id="c", task="toy", question="Which?", choices=("this", "that"), gold=Answer("B"))
    (wrong,) = tables(written(tmp_path, stored(tmp_path, [prediction("A", of=asked)])))[1]
    assert (wrong["question"], wrong["gold"], wrong["answer"]) == ("Which? A. this B. that", "B", "A")


def test_more_than_ten_evaluations_share_ten_wrong_answers(tmp_path: Path) -> None:
    text = written(tmp_path, *(stored(tmp_path, some(), subject=f"s{i}") for i in range(12)))
    assert [row["subject"] for row in tables(text)[1]] == [f"s{i}" for i in range(10)]


def test_where_all_is_right_nothing_is_folded_away(tmp_path: Path) -> None:
    assert "<details>" not in written(tmp_path, stored(tmp_path, some(["4"])))


@given(
    text=st.just(HOSTILE)
    | st.tuples(texts, texts).map(HOSTILE.join)
    | st.text("|`*_<>&#@[]()!\\~$:\n\r- 1.w", max_size=60)
)
def test_no_text_breaks_the_table_or_injects_markup(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("markdown")
    rendered = saying(root, text)
    assert tags(rendered) == OURS
    assert skeleton(rendered) == skeleton(saying(root, "harmless"))
    (row,), (wrong,) = tables(rendered)
    told = {"subject": (row, "s"), "task": (row, "t"), "problem": (wrong, "i"), "question": (wrong, "q")}
    for column, (cells, start) in told.items():
        assert cells[column] == one_line(start + text, most=300 if column == "question" else 60)


def saying(root: Path, text: str) -> str:
    """A comment that says the text wherever it can."""
    asked = Problem(id=f"i{text}", task="toy", question=f"q{text}", gold=Answer(f"g{text}"))
    made = stored(root, [prediction(f"x{text}", "reply", of=asked)])
    named = replace(made, evaluation=replace(made.evaluation, subject=f"s{text}", task=f"t{text}"))
    held, failed = (Gate(pair=(f"s{text}", f"t{text}"), name=f"n{text}", failure=why) for why in (None, f"f{text}"))
    return comment([named], Gates(gates=(held, failed), warnings=(f"w{text}",)))


def skeleton(text: str) -> list[str]:
    """The elements of the rendered comment, whatever they hold."""
    return re.findall(r"</?\w+|<!--", MARKUP.render(text))


@given(st.text("@#$:`*_<>[]!|\\ab/.w", max_size=40))
def test_what_means_something_to_markdown_stands_there_as_a_number(text: str) -> None:
    inside = code(text, most=100).removeprefix("<code>").removesuffix("</code>")
    assert not re.search(r"[@$:`*_<>\[\]!|\\]|#(?![0-9]+;)|&(?!#)|www\.", inside)
    assert html.unescape(inside) == one_line(text, most=100)


def test_writing_from_right_to_left_does_not_leak_out_of_a_text() -> None:
    assert code("abc\u202edef\u2066", most=100) == "<code>abcdef</code>"


@pytest.mark.parametrize("sign", ["~", "x", "🌈"])
def test_a_comment_is_never_longer_than_github_takes(tmp_path: Path, sign: str) -> None:
    long = sign * 5000
    asked = Problem(id=long, task="toy", question=long, gold=Answer(long))
    made = stored(tmp_path, [prediction(long + "!", of=asked)] * 20)
    crowd = [replace(made, evaluation=_named(made.evaluation, f"{i}{long}")) for i in range(900)]
    gates = tuple(Gate(pair=(long, long), name=long, failure=long if i % 2 else None) for i in range(900))
    before = {(one.evaluation.subject, one.evaluation.task): made.evaluation for one in crowd}
    text = comment(crowd, Gates(gates=gates, before=before, warnings=(long,) * 500))
    assert len(text) < 65_000
    assert len(text.encode()) < 4 * GITHUB
    first, wrong = tables(text)
    assert f"{900 - len(first)} more rows are left out." in text
    assert 0 < len(wrong) <= 10
    assert text.rstrip().endswith("</details>")
    assert tags(text) <= OURS


def _named(figures: Evaluation, name: str) -> Evaluation:
    return replace(figures, subject=name, task=name, self_consistency=9, out_of_domain=True)
