"""GGUF weights as a Hugging Face folder."""

import contextlib
import io
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from magdi_cli.engines.bars import without_bars


def convert_gguf(source: Path, folder: Path) -> None:
    """Write the model and the tokenizer of a GGUF file into a folder, in bfloat16.

    Packed weights cannot be saved, hence `dequantize`; their 4 bits lose nothing in 16.
    """
    place, name = str(source.parent), source.name
    # the loader draws a bar of its own, which no setting turns off
    with without_bars(), contextlib.redirect_stderr(io.StringIO()):
        model = AutoModelForCausalLM.from_pretrained(
            place, gguf_file=name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
        )
        model.to(torch.bfloat16).save_pretrained(folder)
        AutoTokenizer.from_pretrained(place, gguf_file=name).save_pretrained(folder)
