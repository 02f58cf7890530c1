import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from magdi_cli.core.errors import DataProblem
from magdi_cli.engines.merged import load_with_adapter, merged
from magdi_cli.engines.subject import base_name


@torch.no_grad()
def test_a_merged_model_answers_like_the_model_with_its_adapter(tiny: str, adapter: Path) -> None:
    ids = torch.arange(3, 40).unsqueeze(0)
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    plain = base(ids).logits
    adapted = PeftModel.from_pretrained(base, str(adapter)).eval()(ids).logits

    with merged(tiny, adapter) as folder:
        found = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(ids).logits
        assert AutoTokenizer.from_pretrained(folder).chat_template

    # one rounding to bfloat16 apart
    assert (found - adapted).norm() < 0.05 * adapted.norm()
    assert (found - plain).norm() > 0.2 * plain.norm()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("adapter_model.safetensors", b"cut off", "are damaged"),
        ("adapter_model.safetensors", None, r"has no adapter_model\.safetensors"),
        ("adapter_config.json", b"{", "is damaged or names no base model"),
        ("adapter_config.json", b"{}", "is damaged or names no base model"),
    ],
)
def test_a_damaged_student_is_told_as_such(
    adapter: Path, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    student = Path(shutil.copytree(adapter, tmp_path / "student"))
    (student / name).unlink()
    if content is not None:
        (student / name).write_bytes(content)
    with pytest.raises(DataProblem, match=said):
        load_with_adapter(base_name(student), student)
