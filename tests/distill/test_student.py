from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import AccessProblem, UnknownName, UsageProblem
from magdi_cli.core.level import LEVELS, OBJECTIVES
from magdi_cli.distill.encoding.batches import Batch, tokenize
from magdi_cli.distill.encoding.batches import batch_of as make_batch
from magdi_cli.distill.encoding.rows import PADDING, Rows
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.student.checks import check_context
from magdi_cli.distill.student.encoder import LAYERS
from magdi_cli.distill.student.loading import DTYPES, load_student, load_tokenizer, number_type
from magdi_cli.distill.student.objectives import objectives
from magdi_cli.distill.student.student import Student
from magdi_cli.engines.weights import ResolvedModel, resolve_model
from tests.distill.conftest import LAYOUT, make_student
from tests.distill.graphs import graph


@pytest.fixture(scope="module")
def batch(tokenizer: Any) -> Batch:
    return batch_of(tokenizer, ["-+?", "++-"], ["+--", "-++"])


def batch_of(tokenizer: Any, *drawn: list[str]) -> Batch:
    examples = [
        example_from(graph(verdicts, number=n), LEVELS["graph"], teacher=None) for n, verdicts in enumerate(drawn)
    ]
    return make_batch([tokenize(example, tokenizer) for example in examples if example], LAYOUT)


def gradient_norms(student: Student, batch: Batch, objective: str) -> dict[str, float]:
    student.zero_grad()
    objectives(margin=1.0)[objective].term(student.read(batch), batch).loss.backward()
    return {
        part: sum(float(p.grad.norm()) for p in named.values() if p.grad is not None)
        for part, named in student.parts().items()
    }


@pytest.mark.parametrize(
    ("features", "objective", "reached"),
    [
        ("live", "next-token", {"backbone"}),
        ("live", "margin", {"backbone", "score_head"}),
        ("live", "node", {"backbone", "graph_encoder"}),
        ("shuffled", "node", {"backbone", "graph_encoder"}),
        ("reversed", "node", {"backbone", "graph_encoder"}),
        ("none", "node", {"backbone", "graph_encoder"}),
        ("live", "flip", {"backbone", "graph_encoder", "flip_head"}),
        ("frozen", "next-token", {"backbone"}),
        ("frozen", "margin", {"backbone", "score_head"}),
        ("frozen", "node", {"graph_encoder"}),
        ("frozen", "flip", {"graph_encoder", "flip_head"}),
    ],
)
def test_each_objective_trains_exactly_these_parts(
    tiny: Path, batch: Batch, features: str, objective: str, reached: set[str]
) -> None:
    student = make_student(tiny, graph_features=features)
    norms = gradient_norms(student, batch, objective)
    assert {part for part, norm in norms.items() if norm != 0.0} == reached


@pytest.mark.parametrize("objective", ["margin", "flip"])
def test_where_there_is_no_pair_or_flip_the_loss_and_every_gradient_are_exactly_zero(
    student: Student, tokenizer: Any, objective: str
) -> None:
    agreed = batch_of(tokenizer, ["+++"])
    assert objectives(margin=1.0)[objective].term(student.read(agreed), agreed).loss.item() == 0.0
    assert set(gradient_norms(student, agreed, objective).values()) == {0.0}


@pytest.mark.parametrize("gnn", list(LAYERS))
@pytest.mark.parametrize("objective", ["node", "flip"])
def test_live_graph_gradients_reach_every_adapted_layer(tiny: Path, batch: Batch, gnn: str, objective: str) -> None:
    student = make_student(tiny, gnn=gnn)
    gradient_norms(student, batch, objective)
    adapter = student.parts()["backbone"]
    assert len(adapter) == 2 * 2 * 7
    assert all(p.grad is not None and p.grad.norm() > 0 for p in adapter.values())


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_an_objective_has_a_gradient_for_every_weight_of_its_heads(
    student: Student, batch: Batch, objective: str
) -> None:
    student.train_only(objectives(margin=1.0)[objective].heads)
    gradient_norms(student, batch, objective)
    assert [name for name, parameter in student.trainable().items() if parameter.grad is None] == []


def test_only_adapter_and_heads_are_trained(student: Student) -> None:
    parts = student.parts()
    assert set(parts) == {"backbone", "score_head", "graph_encoder", "flip_head"}
    assert all("lora_" in name for name in parts["backbone"])
    assert {p.dtype for part in parts.values() for p in part.values()} == {torch.float32}


def test_frozen_features_are_the_base_models_whatever_the_adapter_learned(tiny: Path, batch: Batch) -> None:
    student = make_student(tiny, graph_features="frozen").train()
    before = student.frozen_vectors(batch)
    for parameter in student.parts()["backbone"].values():
        nn.init.normal_(parameter)
    assert torch.equal(student.frozen_vectors(batch), before)
    assert not before.requires_grad
    assert student.backbone.training


def count_rows(student: Student) -> list[int]:
    counts: list[int] = []
    inner = student.backbone.get_base_model().base_model
    inner.register_forward_pre_hook(
        lambda module, args, kwargs: counts.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    return counts


def test_a_step_encodes_every_distinct_node_exactly_once(student: Student, batch: Batch) -> None:
    counts = count_rows(student)
    outputs = student.read(batch)
    for objective in objectives(margin=1.0).values():
        objective.term(outputs, batch)
    assert sum(counts) == batch.text_count == 12


def test_texts_that_repeat_are_encoded_once_and_lose_nothing(student: Student, tokenizer: Any) -> None:
    def outputs(texts: list[str]) -> Any:
        example = example_from(graph(["+++"], texts=texts), LEVELS["correct-nodes"], teacher=None)
        assert example is not None
        made = make_batch([tokenize(example, tokenizer)], LAYOUT)
        return objectives(margin=1.0)["next-token"].term(student.eval().read(made), made).loss

    counts = count_rows(student)
    doubled = outputs(["One way.", "Another way.", "One way."])
    assert sum(counts) == 2
    one, other = outputs(["One way."] * 3), outputs(["Another way."] * 3)
    end = "\nSo the answer is 2."
    lengths = torch.tensor([2.0 * (len("One way." + end) + 1), len("Another way." + end) + 1])
    assert doubled.item() == pytest.approx(((torch.stack([one, other]) * lengths).sum() / lengths.sum()).item())


def test_logits_are_made_only_where_a_loss_reads_them(student: Student, batch: Batch) -> None:
    projected: list[int] = []
    head = student.backbone.get_base_model().get_output_embeddings()
    head.register_forward_pre_hook(lambda module, args: projected.append(args[0].shape[0]))
    known = objectives(margin=1.0)
    outputs = student.read(batch)
    known["margin"].term(outputs, batch)
    known["node"].term(outputs, batch)
    assert projected == []
    known["next-token"].term(outputs, batch)
    targets = sum(int((rows.segments[rows.target_nodes[:, 0] > 0] == 1).sum()) for rows in batch.rows)
    assert sum(projected) == targets


def test_the_loss_is_the_language_models_own_on_the_completion(student: Student, batch: Batch) -> None:
    student.eval()
    losses = []
    for rows in batch.rows:
        logits = student.backbone(input_ids=rows.input_ids, attention_mask=rows.tokens.long()).logits
        read = (rows.segments[:, 1:] == 1) & (rows.target_nodes > 0)
        losses.append(F.cross_entropy(logits[:, :-1][read], rows.input_ids[:, 1:][read], reduction="none"))
    torch.testing.assert_close(student.read(batch).token_losses, torch.cat(losses), atol=1e-4, rtol=1e-4)


def test_more_incorrect_nodes_leave_the_next_token_loss_alone(student: Student, tokenizer: Any) -> None:
    student.eval()
    known = objectives(margin=1.0)["next-token"].term
    few, many = batch_of(tokenizer, ["-+ "]), batch_of(tokenizer, ["-+-", "---", "---"])
    torch.testing.assert_close(known(student.read(few), few).loss, known(student.read(many), many).loss)


def test_evaluation_is_deterministic_and_training_is_not(student: Student, batch: Batch) -> None:
    def node_logits() -> Tensor:
        return student.read(batch).node_logits

    student.eval()
    assert torch.equal(node_logits(), node_logits())
    student.train()
    assert not torch.equal(node_logits(), node_logits())


def padded(rows: Rows, left: int, right: int) -> Rows:
    def around(values: Tensor, fill: int) -> Tensor:
        return F.pad(values, (left, right), value=fill)

    return Rows(
        input_ids=around(rows.input_ids, 1),
        segments=around(rows.segments, PADDING),
        positions=around(rows.positions, 0),
        target_nodes=rows.target_nodes,
    )


@pytest.mark.parametrize(("left", "right"), [(5, 0), (0, 5), (20, 7), (100, 0)])
def test_padding_changes_neither_vectors_nor_losses(student: Student, batch: Batch, left: int, right: int) -> None:
    student.eval()
    wide = Batch(
        **{name: getattr(batch, name) for name in Batch.__slots__ if name != "rows"},
        rows=tuple(padded(rows, left, right) for rows in batch.rows),
    )
    plain, moved = student.read(batch), student.read(wide)
    torch.testing.assert_close(moved.vectors, plain.vectors, atol=1e-5, rtol=0)
    torch.testing.assert_close(moved.token_losses, plain.token_losses, atol=1e-4, rtol=0)


def test_a_node_vector_does_not_depend_on_its_neighbours_in_the_batch(student: Student, tokenizer: Any) -> None:
    student.eval()
    alone = student.read(batch_of(tokenizer, ["+-"])).vectors
    together = student.read(batch_of(tokenizer, ["+-"], ["-+-", "+++", "--+"])).vectors
    torch.testing.assert_close(together[:2], alone, atol=1e-5, rtol=0)


def test_gradient_checkpointing_changes_no_gradient(tiny: Path, batch: Batch) -> None:
    plain = gradient_norms(make_student(tiny, lora_dropout=0.0).train(), batch, "margin")
    sparing = make_student(tiny, lora_dropout=0.0, gradient_checkpointing="on").train()
    assert gradient_norms(sparing, batch, "margin") == pytest.approx(plain)


@pytest.mark.parametrize(
    ("wanted", "large", "recomputed"), [("auto", 0, True), ("auto", 10**9, False), ("off", 0, False)]
)
def test_large_models_are_checkpointed_unless_told_otherwise(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, large: int, recomputed: bool
) -> None:
    monkeypatch.setattr("magdi_cli.distill.student.loading.LARGE", large)
    student = make_student(tiny, gradient_checkpointing=wanted)
    assert student.backbone.get_base_model().is_gradient_checkpointing == recomputed


def test_the_base_is_bfloat16_only_where_the_processor_computes_in_it() -> None:
    native = torch.cpu.get_capabilities().get("avx512_bf16")
    dtype, why = number_type(torch.device("cpu"), "auto")
    assert dtype == (torch.bfloat16 if native else torch.float32)
    assert "this CPU computes in" in why


@pytest.mark.parametrize("name", list(DTYPES))
def test_a_number_type_that_is_asked_for_is_taken(name: str) -> None:
    assert number_type(torch.device("cpu"), name) == (DTYPES[name], "as asked")


def test_a_bfloat16_student_computes_its_losses_in_float32(tiny: Path, batch: Batch) -> None:
    student = load_student(resolve_model(str(tiny)), DistillConfig(), dtype=torch.bfloat16)
    outputs = student.read(batch)
    terms = [objective.term(outputs, batch).loss for objective in objectives(margin=1.0).values()]
    assert {term.dtype for term in terms} == {torch.float32}


def test_chosen_lora_targets_are_the_ones_adapted(tiny: Path) -> None:
    adapter = make_student(tiny, lora_targets="q_proj, v_proj").parts()["backbone"]
    assert {name.split(".")[-4] for name in adapter} == {"q_proj", "v_proj"}


def test_an_unknown_lora_target_is_refused_with_the_ones_there_are(tiny: Path) -> None:
    with pytest.raises(UnknownName, match="no LoRA target named 'q_porj'; close: q_proj"):
        make_student(tiny, lora_targets="q_porj")


def test_a_model_that_cannot_be_reached_is_an_access_problem() -> None:
    with pytest.raises(AccessProblem, match="cannot load the student nobody/nothing"):
        load_tokenizer(ResolvedModel(path="nobody/nothing", hub_id="nobody/nothing"))


def test_a_model_that_scales_its_logits_is_refused(tiny: Path, tmp_path: Path) -> None:
    from transformers import GraniteConfig, GraniteForCausalLM

    config = GraniteConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        logits_scaling=8.0,
    )
    GraniteForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(UsageProblem, match="alters its logits"):
        load_student(resolve_model(str(tmp_path)), DistillConfig(), dtype=torch.float32)


def test_nodes_longer_than_the_students_context_are_refused(student: Student) -> None:
    check_context(student, 2048)
    with pytest.raises(UsageProblem, match=r"has 2049 tokens .* reads 2048; --max-length 2048"):
        check_context(student, 2049)
