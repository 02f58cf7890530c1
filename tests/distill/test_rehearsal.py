"""`magdi distill --dry-run` against what the same command then does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS
from magdi_cli.core.records import encode, read_records, write_records
from magdi_cli.distill.encoding.batches import batches_of, tokenize
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.lessons.metrics import Step
from magdi_cli.distill.looking.footprint import Estimate
from magdi_cli.distill.looking.labels import pieces
from magdi_cli.distill.looking.rehearsal import Rehearsal
from magdi_cli.distill.stage import DistillResult, run
from magdi_cli.distill.student.objectives import objectives
from tests.distill.conftest import LAYOUT, SHARED, make_student
from tests.distill.graphs import graph
from tests.reports import Heard

LONG = graph(["+-"], number=9, texts=["A long way to say it. " * 30, "Short."])
GRAPHS = (
    *(graph(["-++", "+-+"], number=n) for n in (1, 2)),
    graph(["+++"], number=3, texts=["The same.", "The same.", "Another."]),
    graph(["---"], number=4),
    LONG,
)

Distill = Callable[..., Any]


@pytest.fixture
def distill(tiny: Path, tmp_path: Path) -> Distill:
    def distill(
        graphs: tuple[InteractionGraph, ...] = GRAPHS, report: Heard | None = None, **settings: Any
    ) -> DistillResult | Rehearsal:
        write_records(tmp_path / "graphs" / "graphs.jsonl", graphs)
        settings = {"max_length": 400, "tokens_per_step": 500, "epochs": 1.0} | settings
        config = DistillConfig(run_dir=tmp_path, student=str(tiny), **settings)
        return run(config, report or Heard())

    return distill


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "settings",
    [
        *({"level": level} for level in ("single-teacher", "all-nodes", "graph")),
        {"prompt_sharing": "always"},
        {"prompt_sharing": "never", "epochs": 1.5},
        {"batch_size": 2, "max_steps": 3, "weight": ("margin=0",), "lora_targets": "q_proj", "lora_r": 4},
    ],
    ids=lambda settings: ",".join(map(str, settings.values())),
)
def test_training_then_takes_the_steps_tokens_and_parameters_that_were_told(
    distill: Distill, settings: dict[str, Any]
) -> None:
    told = distill(dry_run=True, **settings)
    done = distill(**settings)
    steps = list(read_records(done.folder / "metrics.jsonl", Step))
    assert [(s.step, s.epoch, s.texts, s.tokens) for s in told.plan] == [
        (s.step, s.epoch, s.texts, s.tokens) for s in steps
    ]
    assert told.steps == done.counts["steps"]
    assert told.sharings[0].tokens == done.tokens
    saved = [load_file(done.folder / name) for name in ("adapter_model.safetensors", "magdi_heads.safetensors")]
    assert told.trained_parameters == sum(tensor.numel() for tensors in saved for tensor in tensors.values())
    read = told.material[-1].count
    assert (read.graphs, read.nodes, read.correct, read.pairs) == tuple(
        done.counts[name] for name in ("examples", "nodes", "correct_nodes", "pairs")
    )


def test_a_look_writes_nothing(distill: Distill, tmp_path: Path) -> None:
    write_records(tmp_path / "graphs" / "graphs.jsonl", GRAPHS)
    before = files(tmp_path)
    distill(dry_run=True)
    distill(check_gradients=True)
    assert files(tmp_path) == before
    assert not (tmp_path / "students").exists()


def test_a_look_loads_no_weights(distill: Distill, tiny: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in tiny.iterdir():
        if path.suffix != ".safetensors":
            (bare / path.name).write_bytes(path.read_bytes())
    write_records(tmp_path / "graphs" / "graphs.jsonl", GRAPHS)
    config = DistillConfig(run_dir=tmp_path, student=str(bare), max_length=400, dry_run=True)
    rehearsal = run(config, Heard())
    assert isinstance(rehearsal, Rehearsal)
    assert {part.part: part.parameters for part in rehearsal.parameters if not part.trained} == {
        "frozen base": sum(tensor.numel() for tensor in load_file(tiny / "model.safetensors").values())
    }


def test_what_is_left_out_is_told_with_its_reason(distill: Distill) -> None:
    rows = distill(dry_run=True, level="an").material
    assert [(row.what, row.count.graphs, row.count.nodes, row.count.incorrect) for row in rows] == [
        ("in the files", 5, 20, 8),
        ("left out: read by no objective", 1, 3, 3),
        ("left out: longer than 400 tokens", 0, 1, 0),
        ("left out: of no use without those", 1, 1, 1),
        ("read", 3, 15, 4),
    ]


@pytest.mark.parametrize("level", list(LEVELS))
def test_the_account_of_the_graphs_adds_up(distill: Distill, level: str) -> None:
    first, *left_out, last = (row.count for row in distill(dry_run=True, level=level).material)
    for count in left_out:
        first = first - count
    assert first == last


def test_without_sharing_more_is_encoded(distill: Distill) -> None:
    always, never = distill(dry_run=True, prompt_sharing="always").sharings
    assert (always.prompt_sharing, never.prompt_sharing) == ("always", "never")
    assert always.tokens < never.tokens
    assert 0 <= always.padding < 1


def test_lengths_are_those_of_a_prompt_and_a_node(distill: Distill, tokenizer: Any) -> None:
    example = example_from(graph(["+-"]), LEVELS["graph"], teacher=None)
    item = tokenize(example, tokenizer)
    longest = max(len(item.prompt) + len(tokens) for tokens in item.completions)
    assert distill(graphs=(graph(["+-"]),), dry_run=True).lengths["longest"] == longest


def test_the_first_graph_is_labelled_as_the_batch_is(distill: Distill, tokenizer: Any) -> None:
    found = distill(graphs=GRAPHS[2:3], level="cn", dry_run=True).first_graph
    assert found.problem == "p3"
    assert found.prompt.startswith("<|user|>What is 3 + 1?")
    assert [(text.nodes, text.correct, text.learned_for) for text in found.texts] == [
        ((1, 2), True, 2),
        ((3,), True, 1),
    ]
    for text, said in zip(found.texts, ("The same.", "Another."), strict=True):
        assert text.learned_tokens == text.tokens == len(text.pieces)
        assert "".join(piece.text for piece in text.pieces) == f"{said}\nSo the answer is 4.<|end|>"
        assert all(piece.learned for piece in text.pieces)


def test_incorrect_nodes_are_read_and_no_token_of_them_is_learned(distill: Distill) -> None:
    for text in distill(graphs=GRAPHS[:1], dry_run=True).first_graph.texts:
        assert {piece.learned for piece in text.pieces} == {text.correct}
        assert text.learned_tokens == (text.tokens if text.correct else 0)


def test_tokens_are_cut_where_characters_end(tokenizer: Any) -> None:
    ids = tokenizer("é, 9 €")["input_ids"]
    found = list(pieces(ids, [True] * len(ids), tokenizer))
    assert [piece.text for piece in found] == ["é", ",", " ", "9", " ", "€"]


def test_settings_of_another_student_are_named_beforehand(distill: Distill) -> None:
    distill(max_steps=1)
    report = Heard()
    distill(dry_run=True, max_steps=2, report=report)
    assert any("training would end with code 3" in warning and "max_steps" in warning for warning in report.warnings)


def test_too_long_nodes_stop_the_run_where_that_is_asked_for(distill: Distill) -> None:
    with pytest.raises(DataProblem, match="1 nodes are longer than --max-length 400; raise it"):
        distill(on_overflow="fail")


def test_both_looks_at_once_are_refused(distill: Distill) -> None:
    with pytest.raises(UsageProblem, match="take one at a time"):
        distill(dry_run=True, check_gradients=True)


def test_what_ablations_leave_out_is_told(distill: Distill) -> None:
    rows = distill(graphs=GRAPHS[:2], dry_run=True, pairs="reference", graph_features="none").material
    assert [(row.what, row.count.nodes, row.count.pairs, row.count.edges) for row in rows] == [
        ("in the files", 12, 16, 18),
        ("left out: by --pairs and --graph-features", 0, 8, 18),
        ("read", 12, 8, 0),
    ]


def test_a_quantised_base_takes_less_memory(distill: Distill) -> None:
    whole, byte, half = (distill(dry_run=True, quantize=q).memory.parts[0].bytes for q in ("none", "8bit", "4bit"))
    assert whole > byte > half


def test_a_look_at_a_whole_ladder_is_refused(distill: Distill) -> None:
    with pytest.raises(UsageProblem, match="trains 5 students and can only look at one"):
        distill(ladder="single-teacher..graph", teacher="ada", dry_run=True)


def test_a_dry_run_tells_the_same_twice(distill: Distill) -> None:
    assert json.loads(encode(distill(dry_run=True))) == json.loads(encode(distill(dry_run=True)))


@pytest.mark.parametrize("dropout", [0.0, 0.05])
@pytest.mark.parametrize("layout", [LAYOUT, SHARED], ids=["apart", "shared"])
def test_the_memory_of_activations_is_what_torch_keeps(tiny: Path, tokenizer: Any, layout: Any, dropout: float) -> None:
    examples = [example_from(graph(["-++", "+-+"], number=n), LEVELS["graph"], teacher=None) for n in (1, 2)]
    (batch,) = batches_of([tokenize(example, tokenizer) for example in examples if example], layout)
    student = make_student(tiny, lora_dropout=dropout).train()
    known = objectives(margin=1.0)
    weights = {parameter.untyped_storage().data_ptr() for parameter in student.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        student(batch, {name: known[name] for name in ("margin", "node")})
    activations, masks, _ = Estimate(student, torch.device("cpu")).of_batch(batch)
    assert activations.bytes + masks.bytes == pytest.approx(sum(s.nbytes() for s in kept.values()), rel=0.1)
