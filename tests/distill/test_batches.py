from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS, Level
from magdi_cli.distill.encoding.batches import Batch, Item, Layout, batches_of, shortened, tokenize
from magdi_cli.distill.encoding.batches import batch_of as make_batch
from magdi_cli.distill.lessons.examples import example_from
from tests.distill.conftest import LAYOUT
from tests.distill.graphs import graph, graphs


def item(tokenizer: Any, *verdicts: str, level: Level = LEVELS["graph"], number: int = 1, **also: Any) -> Item:
    example = example_from(graph(verdicts, number=number, **also), level, teacher=None)
    assert example is not None
    return tokenize(example, tokenizer)


def batch_of(*items: Item) -> Batch:
    return make_batch(items, LAYOUT)


def test_the_prompt_ends_where_the_assistant_begins(tokenizer: Any) -> None:
    text = tokenizer.decode(item(tokenizer, "+").prompt)
    assert text.startswith("<|user|>What is 1 + 1?")
    assert text.endswith("<|end|><|assistant|>")


def test_a_completion_is_the_nodes_text_and_the_end_of_the_sequence(tokenizer: Any) -> None:
    assert tokenizer.decode(item(tokenizer, "+").completions[0]) == "ada adds in round 0.\nSo the answer is 2.<|end|>"


def test_the_loss_mask_covers_completion_and_end_by_position(tokenizer: Any) -> None:
    only = item(tokenizer, "+", texts=["The prompt of <|end|> and <|pad|> in a text."])
    rows = batch_of(only, item(tokenizer, "+", number=2, texts=["A text that is a good deal longer." * 3])).rows[0]
    start, stop = len(only.prompt), len(only.prompt) + len(only.completions[0])
    assert (rows.segments[0] == 1).nonzero().flatten().tolist() == list(range(start, stop))
    assert tuple(rows.input_ids[0][rows.segments[0] == 1].tolist()) == only.completions[0]
    assert rows.tokens[0].sum() == stop < rows.input_ids.shape[1]


def test_every_distinct_text_has_one_row(tokenizer: Any) -> None:
    batch = batch_of(item(tokenizer, "+++", "-", texts=["Same.", "Same.", "Other.", "Same."]))
    assert len(batch.node_texts) == 4
    assert batch.text_count == 3
    assert batch.node_texts[0] == batch.node_texts[1] != batch.node_texts[3]
    assert sorted(rows_targets(batch)) == [0, 1, 2]


def rows_targets(batch: Batch) -> list[int]:
    return torch.cat([rows.target_nodes.flatten() for rows in batch.rows]).tolist()


def test_the_same_words_under_another_question_are_another_row(tokenizer: Any) -> None:
    words = ["I do not know."]
    first, second = (item(tokenizer, "?", number=n, texts=words) for n in (1, 2))
    assert batch_of(first, second).text_count == 2


def test_each_graph_carries_its_own_edges_and_pairs(tokenizer: Any) -> None:
    batch = batch_of(item(tokenizer, "+-", "+"), item(tokenizer, "-", "-", number=2), item(tokenizer, "-+", number=3))
    assert batch.edges.T.tolist() == [[0, 2], [1, 2], [3, 4]]
    assert batch.chosen.tolist() == [0, 2, 6]
    assert batch.rejected.tolist() == [1, 1, 5]
    assert batch.pair_graphs.tolist() == [0, 0, 2]
    assert batch.correct.tolist() == [True, False, True, False, False, False, True]


def test_collating_leaves_the_items_as_they_are(tokenizer: Any) -> None:
    items = [item(tokenizer, "+-?", "++-"), item(tokenizer, "-++", number=2)]
    before = repr(items)
    (first,), (second,) = (batches_of(items, LAYOUT) for _ in range(2))
    assert repr(items) == before
    assert torch.equal(first.rows[0].input_ids, second.rows[0].input_ids)


def test_graphs_share_a_batch_while_they_fit_in_a_pass(tokenizer: Any) -> None:
    items = [item(tokenizer, "+-", number=n, texts=["word " * 40, "x"]) for n in range(1, 11)]
    batches = batches_of(items, LAYOUT)
    assert 1 < len(batches) < 10
    assert all(len(batch.rows) == 1 and batch.rows[0].input_ids.numel() <= LAYOUT.pass_tokens for batch in batches)
    assert [name for batch in batches for name in batch.problem_ids] == [f"p{n}" for n in range(1, 11)]


def test_graphs_of_one_question_share_a_batch_and_its_rows(tokenizer: Any) -> None:
    long = ["word " * 300]
    items = [item(tokenizer, "+", number=n, texts=long) for n in (1, 2, 1)]
    batches = batches_of(items, LAYOUT)
    assert [batch.problem_ids for batch in batches] == [("p1", "p1"), ("p2",)]
    assert sum(batch.text_count for batch in batches) == 2


def test_a_batch_does_not_depend_on_pad_tokens_that_mean_end(tokenizer: Any) -> None:
    items = [item(tokenizer, "+-"), item(tokenizer, "+", number=2, texts=["Much longer than the other two." * 2])]
    zeros, ends = (
        make_batch(items, Layout(pad_id=pad, sharing="never")).rows[0] for pad in (0, tokenizer.eos_token_id)
    )
    assert torch.equal(zeros.segments, ends.segments)
    assert torch.equal(zeros.positions, ends.positions)


def test_rows_of_like_length_share_a_pass_of_bounded_size(tokenizer: Any) -> None:
    long = [item(tokenizer, "+", number=n, texts=["x" * (40 * n)]) for n in range(1, 31)]
    batch = batch_of(*long)
    assert len(batch.rows) > 1
    assert all(rows.input_ids.numel() <= LAYOUT.pass_tokens for rows in batch.rows)
    assert batch.tokens == sum(len(i.prompt) + len(i.completions[0]) for i in long)
    assert sorted(batch.node_texts.tolist()) == list(range(30))


def test_nodes_that_are_too_long_are_left_out_with_what_joins_them(tokenizer: Any) -> None:
    whole = item(tokenizer, "+-", "+", texts=["Short.", "Long." * 50, "Short too."])
    longest = len(whole.prompt) + 60
    short = shortened(whole, max_length=longest, objectives=["next-token", "margin", "node"])
    assert short is not None
    assert short.example.correct == (True, True)
    assert short.example.pairs == ()
    assert short.example.edges == ((0, 1),)
    assert short.completions == (whole.completions[0], whole.completions[2])


def test_a_rejected_node_whose_chosen_one_is_too_long_is_left_out_too(tokenizer: Any) -> None:
    whole = item(tokenizer, "+-", level=LEVELS["all-nodes"], texts=["Long." * 50, "Short."])
    assert shortened(whole, max_length=len(whole.prompt) + 60, objectives=["next-token", "margin"]) is None


def test_an_item_without_any_short_node_is_none(tokenizer: Any) -> None:
    assert shortened(item(tokenizer, "++"), max_length=10, objectives=["next-token"]) is None


def test_a_tokenizer_without_chat_template_is_refused(tiny: Any) -> None:
    from transformers import AutoTokenizer

    bare = AutoTokenizer.from_pretrained(tiny)
    bare.chat_template = None
    with pytest.raises(UsageProblem, match="chat template"):
        item(bare, "+")


@given(graphs(), st.sampled_from(["single-teacher", "round-0", "correct-nodes"]), st.integers(150, 260))
def test_no_batch_of_a_level_that_only_writes_is_without_a_token_to_learn(
    tokenizer: Any, drawn: InteractionGraph, level: str, longest: int
) -> None:
    example = example_from(drawn, LEVELS[level], teacher="ada" if level == "single-teacher" else None)
    item = example and shortened(tokenize(example, tokenizer), max_length=longest, objectives=["next-token"])
    assert item is None or batch_of(item).target_tokens > 0
