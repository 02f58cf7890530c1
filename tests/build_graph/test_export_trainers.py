import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given

from magdi_cli.build_graph.exporting.trainers import dpo_rows, kto_rows, sft_rows
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.tasks.prompts import student_messages
from tests.build_graph.any_graphs import HOSTILE, any_graphs, huge, written
from tests.distill.graphs import graph, problem

CHAT = [{"role": "string", "content": "string"}]
ORIGIN = {"problem_id": "string", "agent": "string", "round": "int64"}
COLUMNS = {
    "trl-sft": {"prompt": CHAT, "completion": CHAT, **ORIGIN},
    "trl-dpo": {
        "prompt": CHAT,
        "chosen": CHAT,
        "rejected": CHAT,
        "problem_id": "string",
        "chosen_agent": "string",
        "chosen_round": "int64",
        "rejected_agent": "string",
        "rejected_round": "int64",
    },
    "kto": {"prompt": CHAT, "completion": CHAT, "label": "bool", **ORIGIN},
}


def loaded(format_: str, folder: Path, graphs: list[InteractionGraph]) -> datasets.Dataset:
    written(format_, folder, graphs)
    files = str(folder / f"{format_}.jsonl")
    return datasets.load_dataset("json", data_files=files, split="train", cache_dir=str(folder / "cache"))


def kind(feature: Any) -> Any:
    """The type of a column, in plain words."""
    match feature:
        case datasets.Value():
            return feature.dtype
        case datasets.List():
            return [kind(feature.feature)]
    return {name: kind(inner) for name, inner in feature.items()}


@pytest.mark.parametrize("format_", list(COLUMNS))
def test_datasets_loads_exactly_the_documented_columns(format_: str, tmp_path: Path) -> None:
    rows = loaded(format_, tmp_path, [graph(["+-?", "++-"]), graph(["-+-"], number=2)])
    assert {name: kind(feature) for name, feature in rows.features.items()} == COLUMNS[format_]


@pytest.mark.parametrize("format_", list(COLUMNS))
def test_datasets_gives_back_what_was_written(format_: str, tmp_path: Path) -> None:
    texts = [f"{text} so it is." for text in HOSTILE]
    graphs = [graph(["+-", "+-"], number=n, texts=texts[n : n + 4]) for n in range(0, len(texts) - 3, 4)]
    rows = loaded(format_, tmp_path, [*graphs, huge()])
    with (tmp_path / f"{format_}.jsonl").open(encoding="utf-8") as lines:
        assert list(rows) == [json.loads(line) for line in lines]


def test_a_correct_node_is_a_conversation_to_learn_from() -> None:
    (row,) = sft_rows(graph(["-+?"]))
    assert row.prompt == student_messages(problem(1))
    assert [(m.role, m.content) for m in row.completion] == [("assistant", "bob adds in round 0.\nSo the answer is 2.")]
    assert (row.problem_id, row.agent, row.round) == ("p1", "bob", 0)


def test_every_correct_node_is_preferred_to_every_incorrect_one() -> None:
    rows = list(dpo_rows(graph(["+-", "-+"])))
    assert [(r.chosen_agent, r.chosen_round, r.rejected_agent, r.rejected_round) for r in rows] == [
        ("ada", 0, "bob", 0),
        ("ada", 0, "ada", 1),
        ("bob", 1, "bob", 0),
        ("bob", 1, "ada", 1),
    ]


def test_every_node_is_labelled_with_its_verdict() -> None:
    rows = list(kto_rows(graph(["+-?", "-+ "])))
    assert [row.label for row in rows] == [True, False, False, False, True]
    assert rows[2].completion[0].content == "cyd adds in round 0."


@given(any_graphs())
def test_other_trainers_learn_what_distill_learns(made: InteractionGraph) -> None:
    example = example_from(made, LEVELS["graph"], teacher=None)
    assert example is not None
    spoken = {index for index, text in enumerate(example.texts) if text.strip()}
    texts = example.texts
    assert [row.completion[0].content for row in sft_rows(made)] == [texts[i] for i in example.targets]
    assert [(row.completion[0].content, row.label) for row in kto_rows(made)] == [
        (texts[i], example.correct[i]) for i in sorted(spoken)
    ]
    assert [(row.chosen[0].content, row.rejected[0].content) for row in dpo_rows(made)] == [
        (texts[a], texts[b]) for a, b in example.pairs if b in spoken
    ]


def test_a_node_without_a_word_to_say_makes_no_row() -> None:
    made = graph(["+?"], texts=["Add.", "<think>hm"])
    assert len(list(kto_rows(made))) == 1
    assert list(dpo_rows(made)) == []
