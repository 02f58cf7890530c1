"""A shared prompt saves tokens and changes nothing else."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, MistralConfig, MistralForCausalLM

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.encoding.attention import block_mask, dense_mask
from magdi_cli.distill.encoding.batches import Item, Layout, batch_of, tokenize
from magdi_cli.distill.encoding.rows import PADDING, Row, laid_out, length
from magdi_cli.distill.encoding.sharing import cost, rows_of
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.student.checks import sharing_for
from magdi_cli.distill.student.objectives import objectives
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.step import accumulate_gradients
from tests.distill.conftest import LAYOUT, SHARED, make_student
from tests.distill.graphs import graph
from tests.reports import Heard

WEIGHTS = {"next-token": 1.0, "margin": 0.1, "node": 1.0, "flip": 0.5}
VERDICTS = (["-+?", "++-"], ["+++"], ["---", "+-+", "-++"])
ROWS: list[Row] = [((1, 2, 3), ((4, 5), (6,), (7, 8, 9))), ((1, 2), ((3, 4),)), ((5,), ((6, 7), (8, 9)))]

tokens = st.lists(st.integers(1, 9), min_size=1, max_size=12).map(tuple)
texts = st.lists(st.tuples(st.sampled_from([(1,), (1, 2, 3), (2,) * 9]), tokens), min_size=1, max_size=12, unique=True)


@pytest.fixture(scope="module")
def items(tokenizer: Any) -> list[Item]:
    examples = [example_from(graph(v, number=n), LEVELS["graph"], teacher=None) for n, v in enumerate(VERDICTS)]
    return [tokenize(example, tokenizer) for example in examples if example]


def gradients(student: Student, items: list[Item], layout: Layout) -> tuple[dict[str, float], dict[str, Tensor], int]:
    student.eval().zero_grad()
    batches = [batch_of([item], layout) for item in items]
    measured = accumulate_gradients(student, batches, objectives(margin=1.0), WEIGHTS)
    found = {name: p.grad.clone() for name, p in student.trainable().items() if p.grad is not None}
    return measured.terms | {"norm " + n: v for n, v in measured.term_gradient_norms.items()}, found, measured.tokens


def test_sharing_changes_neither_losses_nor_gradients(student: Student, items: list[Item]) -> None:
    apart, expected, many = gradients(student, items, LAYOUT)
    shared, found, few = gradients(student, items, SHARED)
    assert few < 0.6 * many
    names = list(WEIGHTS)
    assert {n: shared[n] for n in names} == pytest.approx({n: apart[n] for n in names}, rel=1e-5)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


def test_a_prompt_is_encoded_once_for_all_nodes_of_its_graph(student: Student, items: list[Item]) -> None:
    batch = batch_of(items[:1], SHARED)
    assert batch.text_count == 6
    assert batch.tokens == items[0].length == len(items[0].prompt) + sum(map(len, items[0].completions))


def test_a_completion_sees_its_prompt_and_itself_only() -> None:
    rows = laid_out(ROWS, pad_id=0, targets={})
    mask = dense_mask(rows)[:, 0]
    for r, (segments, positions) in enumerate(zip(rows.segments.tolist(), rows.positions.tolist(), strict=True)):
        for query, own in enumerate(segments):
            seen = {key for key in range(len(segments)) if mask[r, query, key]}
            text = {k for k, s in enumerate(segments) if s in (0, own) and positions[k] <= positions[query]}
            assert seen == ({query} if own == PADDING else text)


def test_flex_attention_reads_the_same_mask() -> None:
    from torch.nn.attention.flex_attention import create_mask

    rows = laid_out(ROWS, pad_id=0, targets={})
    count, width = rows.segments.shape
    made = create_mask(block_mask(rows).mask_mod, count, None, width, width, device="cpu")
    assert torch.equal(made, dense_mask(rows))


def test_the_first_token_of_every_completion_is_predicted_from_the_end_of_the_prompt() -> None:
    row, source, column, weight = laid_out(
        ROWS[:1], pad_id=0, targets={((1, 2, 3), (4, 5)): 2, ((1, 2, 3), (7, 8, 9)): 1}
    ).learned
    assert list(zip(source.tolist(), column.tolist(), weight.tolist(), strict=True)) == [
        *[(2, 3, 2), (3, 4, 2)],
        *[(2, 6, 1), (6, 7, 1), (7, 8, 1)],
    ]
    assert row.tolist() == [0] * 5


@given(texts, st.sampled_from(["auto", "always", "never"]), st.integers(1, 60))
def test_every_text_is_in_one_row_whatever_is_shared(drawn: Any, sharing: Any, widest: int) -> None:
    rows = rows_of(drawn, sharing=sharing, widest=widest)
    assert sorted((prompt, c) for prompt, completions in rows for c in completions) == sorted(drawn)
    assert all(length(row) <= widest or len(row[1]) == 1 for row in rows)


@given(texts)
def test_the_automatic_layout_is_never_dearer_than_sharing_nothing_or_all(drawn: Any) -> None:
    layouts = {way: cost(rows_of(drawn, sharing=way, widest=500)) for way in ("auto", "always", "never")}
    assert layouts["auto"] <= min(layouts["always"], layouts["never"])


def test_long_prompts_are_shared_and_short_ones_before_long_answers_are_not() -> None:
    def rows(prompt: int, answer: int) -> int:
        texts_ = [((1,) * prompt, (n,) * answer) for n in range(8)]
        return len(rows_of(texts_, sharing="auto", widest=2048))

    assert rows(400, 50) == 1
    assert rows(5, 400) == 8


def test_a_model_that_follows_masks_may_share(student: Student) -> None:
    report = Heard()
    assert sharing_for(student, "auto", report, longest=100) == "auto"
    assert report.notes == []


def test_a_model_whose_attention_ignores_the_mask_shares_nothing(tiny: Path) -> None:
    student = make_student(tiny)
    student.backbone.get_base_model().base_model.register_forward_pre_hook(
        lambda module, args, kwargs: (args, kwargs | {"attention_mask": None}), with_kwargs=True
    )
    report = Heard()
    assert sharing_for(student, "auto", report, longest=100) == "never"
    assert "attention does not follow a mask" in report.notes[0]
    with pytest.raises(UsageProblem, match="cannot share prompts"):
        sharing_for(student, "always", report, longest=100)


@pytest.fixture
def windowed(tiny: Path, tmp_path: Path) -> Student:
    """A student that looks back over 24 tokens."""
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    shape = AutoConfig.from_pretrained(tiny).to_dict() | {"model_type": "mistral", "sliding_window": 24}
    MistralForCausalLM(MistralConfig.from_dict(shape)).save_pretrained(tmp_path)
    return make_student(tmp_path)


@torch.no_grad()
def states(student: Student, row: Row) -> Tensor:
    rows = laid_out([row], pad_id=0, targets={})
    return student.eval().encode(rows)[rows.segments > 0]


def test_a_model_that_looks_back_over_a_window_shares_only_what_fits_in_it(windowed: Student) -> None:
    prompt, one, other = tuple(range(5, 17)), tuple(range(20, 32)), tuple(range(40, 52))
    apart = torch.cat([states(windowed, (prompt, (tokens,))) for tokens in (one, other)])
    torch.testing.assert_close(states(windowed, (prompt, (one, other))), apart, atol=5e-5, rtol=0)
    report = Heard()
    assert sharing_for(windowed, "auto", report, longest=24) == "auto"
    assert sharing_for(windowed, "auto", report, longest=25) == "never"
    assert "reaches back 24 tokens, and the longest node has 25" in report.notes[0]
    with pytest.raises(UsageProblem, match="cannot share prompts: its attention reaches back 24 tokens"):
        sharing_for(windowed, "always", report, longest=25)


def test_flex_attention_is_for_gpus(tiny: Path) -> None:
    if torch.cuda.is_available():
        make_student(tiny, attention="flex_attention")
    else:
        with pytest.raises(UsageProblem, match="flex_attention trains on a GPU only"):
            make_student(tiny, attention="flex_attention")
