from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from magdi_cli.engines.merged import merged


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
