"""A model and an adapter small enough to start in every test."""

from pathlib import Path

import pytest

from tests import tiny_student


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny student with larger random weights of its own at the end, so that it babbles instead of repeating."""
    import torch
    from transformers import AutoConfig, LlamaForCausalLM

    folder = tiny_student.build(tmp_path_factory.mktemp("tiny"))
    config = AutoConfig.from_pretrained(folder, tie_word_embeddings=False, initializer_range=0.3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def adapter(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A freshly initialised adapter that changes what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny), config).save_pretrained(folder)
    return folder
