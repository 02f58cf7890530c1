"""A base in 8 or 4 bits under an exact adapter."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.records import write_records
from magdi_cli.distill.stage import run
from magdi_cli.distill.student.loading import load_student
from magdi_cli.distill.student.student import Student
from magdi_cli.engines.weights import resolve_model
from tests.distill.graphs import graph
from tests.reports import Heard


def test_without_bitsandbytes_the_extra_is_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'magdi-cli\[quantize\]'"):
        load_student(resolve_model(str(tiny)), DistillConfig(quantize="4bit"), dtype=torch.bfloat16)


@pytest.mark.parametrize(("kind", "stored"), [("8bit", torch.int8), ("4bit", torch.uint8)])
def test_a_quantised_base_is_near_the_exact_one_and_takes_less_room(tiny: Path, kind: str, stored: torch.dtype) -> None:
    pytest.importorskip("bitsandbytes")
    exact, quantised = (
        load_student(resolve_model(str(tiny)), DistillConfig(quantize=name), dtype=torch.bfloat16).eval()
        for name in ("none", kind)
    )
    layer = quantised.backbone.get_submodule("base_model.model.model.layers.0.mlp.up_proj.base_layer")
    assert layer.weight.dtype == stored
    expected, found = logits(exact), logits(quantised)
    assert 0 < (found - expected).norm() < 0.2 * expected.norm()


def logits(student: Student) -> Tensor:
    with torch.no_grad():
        ids = torch.arange(1, 30).unsqueeze(0).to(student.backbone.device)
        return student.backbone(input_ids=ids).logits.float().cpu()


@pytest.mark.parametrize("kind", ["8bit", "4bit"])
def test_gradients_pass_a_quantised_base_that_has_been_evaluated(tiny: Path, kind: str) -> None:
    pytest.importorskip("bitsandbytes")
    gradients = []
    for name in ("none", kind):
        torch.manual_seed(0)
        student = load_student(resolve_model(str(tiny)), DistillConfig(quantize=name), dtype=torch.bfloat16).eval()
        logits(student)
        student.backbone(input_ids=torch.arange(1, 30).unsqueeze(0).to(student.backbone.device)).logits.sum().backward()
        gradients.append({n: p.grad for n, p in student.trainable().items() if "lora_B" in n})
    for name, exact in gradients[0].items():
        assert torch.cosine_similarity(gradients[1][name].flatten(), exact.flatten(), dim=0) > 0.9, name


@pytest.mark.parametrize("kind", ["8bit", "4bit"])
def test_training_on_a_quantised_base_leaves_an_adapter_for_the_exact_one(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("bitsandbytes")
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    write_records(tmp_path / "graphs" / "graphs.jsonl", [graph(["-++", "+-+"], number=n) for n in (1, 2)])
    result = run(
        DistillConfig(run_dir=tmp_path, student=str(tiny), quantize=kind, max_steps=2, learning_rate=0.05), Heard()
    )
    assert result.counts["steps"] == 2
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    ids = torch.arange(1, 30).unsqueeze(0)
    before = base(input_ids=ids).logits
    assert not torch.allclose(PeftModel.from_pretrained(base, result.folder)(input_ids=ids).logits, before, atol=1e-2)
    assert "| quantize |" in (result.folder / "README.md").read_text()
