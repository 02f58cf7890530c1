"""A saved student in the hands of others: each loads it by its own calls, with nothing of magdi's."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftConfig, PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from magdi_cli.distill.leaving.saving import save_student
from magdi_cli.distill.student.student import Student
from tests.distill.conftest import make_student


@pytest.fixture
def trained(tiny: Path) -> Student:
    return make_student(tiny).eval()


@pytest.fixture
def folder(trained: Student, tokenizer: Any, tmp_path: Path) -> Path:
    """What the student is saved as."""
    save_student(trained, trained.trainable(), tokenizer, "# A student\n", tmp_path)
    return tmp_path


@pytest.fixture
def ids(tokenizer: Any) -> torch.Tensor:
    return torch.tensor([tokenizer("What is 2 + 2? So the answer is 4.")["input_ids"]])


def base(tiny: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()


@torch.no_grad()
def test_peft_gives_the_logits_of_our_student(tiny: Path, trained: Student, folder: Path, ids: torch.Tensor) -> None:
    expected = trained.backbone(input_ids=ids).logits
    plain = base(tiny)(ids).logits
    assert not torch.allclose(plain, expected, atol=1e-2)
    named = PeftModel.from_pretrained(base(tiny), folder).eval()
    found = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for model in (named, found):
        torch.testing.assert_close(model(ids).logits, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_lm_eval_gives_the_logits_of_our_student(tiny: Path, trained: Student, folder: Path, ids: torch.Tensor) -> None:
    # lm-eval's HFLM(pretrained=BASE, peft=FOLDER) makes exactly these two calls; the revision is the base's
    model = AutoModelForCausalLM.from_pretrained(str(tiny), revision="main", dtype=torch.float32)
    model = PeftModel.from_pretrained(model, str(folder), revision="main").eval()
    torch.testing.assert_close(model(ids).logits, trained.backbone(input_ids=ids).logits, atol=1e-5, rtol=1e-5)


def test_the_adapter_file_holds_the_trained_lora_tensors_and_nothing_else(trained: Student, folder: Path) -> None:
    stored = load_file(folder / "adapter_model.safetensors")
    assert set(stored) == {
        name.removeprefix("backbone.").replace(".default.", ".") for name in trained.parts()["backbone"]
    }
    assert all(name.endswith(("lora_A.weight", "lora_B.weight")) for name in stored)


def test_the_adapter_is_plain_lora(tiny: Path, folder: Path) -> None:
    config = PeftConfig.from_pretrained(folder)
    assert (config.base_model_name_or_path, config.task_type, config.bias) == (str(tiny), "CAUSAL_LM", "none")
    assert not any((config.modules_to_save, config.use_dora, config.use_rslora, config.rank_pattern))
    assert config.inference_mode


@pytest.mark.e2e
@pytest.mark.parametrize("rank", [1, 16, 64])
def test_vllm_takes_the_adapter(tiny: Path, tokenizer: Any, tmp_path: Path, rank: int) -> None:
    from vllm.config.lora import LoRAConfig, MaxLoRARanks
    from vllm.lora.peft_helper import PEFTHelper

    from magdi_cli.engines.vllm import _lora_rank

    student = make_student(tiny, lora_r=rank)
    save_student(student, student.trainable(), tokenizer, "# A student\n", tmp_path)
    room = _lora_rank(tmp_path)
    assert rank <= room
    assert room in get_args(MaxLoRARanks)
    helper = PEFTHelper.from_local_dir(str(tmp_path), max_position_embeddings=None)
    helper.validate_legal(LoRAConfig(max_lora_rank=room))
    settings = json.loads((tmp_path / "adapter_config.json").read_text())
    assert helper.vllm_lora_scaling_factor == settings["lora_alpha"] / rank
