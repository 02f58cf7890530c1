"""A student made ready for training: weights found, adapter added, projection checked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import AccessProblem, DataProblem, EnvironmentProblem, UnknownName, UsageProblem
from magdi_cli.core.launcher import local_rank
from magdi_cli.distill.encoding.attention import FLEX
from magdi_cli.distill.student.checks import check_projection
from magdi_cli.distill.student.dropout import use_sparse_dropout
from magdi_cli.distill.student.student import Student
from magdi_cli.engines.weights import ResolvedModel

ALL_LINEAR = "all-linear"

QUANTIZATION: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "8bit": {"load_in_8bit": True},
        "4bit": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    }
)
"""How bitsandbytes is to hold the base; 4bit is QLoRA's way."""
PACKS = "support_avx512bf16_for_cpu"
"""Makes a 4-bit layer on a CPU pack its weights anew when it is first evaluated; no gradient passes it afterwards."""
DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
)
NAMES: Mapping[str, str] = MappingProxyType({"cuda": "GPU", "cpu": "CPU"})

LARGE = 1_000_000_000
"""Parameters from which on activations are recomputed rather than kept: 12 nodes a graph would not fit."""


def device_for() -> torch.device:
    """The GPU of this process, or the CPU."""
    return torch.device("cuda", local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def number_type(device: torch.device, wanted: str) -> tuple[torch.dtype, str]:
    """The frozen base's number type, and why it is that one.

    Unasked, bfloat16 where the device computes in it (1.7 times as fast on a CPU); on older GPUs float16,
    whose gradients are scaled up lest they vanish; else float32.
    """
    if wanted != "auto":
        return DTYPES[wanted], "as asked"
    if _computes_in_bfloat16(device):
        return torch.bfloat16, f"this {NAMES[device.type]} computes in it"
    if device.type == "cuda":
        return torch.float16, "this GPU knows no bfloat16; gradients are scaled"
    return torch.float32, "this CPU computes in nothing shorter"


def _computes_in_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def load_tokenizer(model: ResolvedModel) -> Any:
    """The student's own tokenizer."""
    with _readable(model):
        return AutoTokenizer.from_pretrained(model.path)


def load_student(model: ResolvedModel, config: DistillConfig, *, dtype: torch.dtype) -> Student:
    """The model with a fresh float32 adapter and fresh heads; seed first, their weights are random."""
    transformers_logging.disable_progress_bar()
    _check_attention(config)
    with _readable(model):
        causal = AutoModelForCausalLM.from_pretrained(
            model.path, dtype=dtype, attn_implementation=config.attention, **_quantised(config.quantize, dtype)
        )
    for module in causal.modules():
        if hasattr(module, PACKS):
            setattr(module, PACKS, False)
    student = _student_of(causal, model, config)
    check_projection(student, model.hub_id)
    return student


def outline_student(model: ResolvedModel, config: DistillConfig, *, dtype: torch.dtype) -> Student:
    """The same student without any weights, on torch's meta device, unquantised: everything about it can be counted."""
    _check_attention(config)
    with _readable(model), torch.device("meta"):
        shape = AutoConfig.from_pretrained(model.path)
        causal = AutoModelForCausalLM.from_config(shape, dtype=dtype, attn_implementation=config.attention)
        return _student_of(causal, model, config)


def _check_attention(config: DistillConfig) -> None:
    if config.attention == FLEX and device_for().type == "cpu":
        raise UsageProblem(f"--attention {FLEX} trains on a GPU only; leave it out here")


def _student_of(causal: Any, model: ResolvedModel, config: DistillConfig) -> Student:
    if recomputes(causal, config):
        causal.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    backbone = _with_adapter(causal, config)
    # what others load the adapter onto, which is not where this machine keeps it
    backbone.peft_config["default"].base_model_name_or_path = model.hub_id
    return Student(backbone, gnn=config.gnn, graph_features=config.graph_features)


def recomputes(causal: Any, config: DistillConfig) -> bool:
    """Whether activations are computed again for the gradients instead of being kept."""
    if config.gradient_checkpointing == "auto":
        return bool(causal.num_parameters() >= LARGE)
    return config.gradient_checkpointing == "on"


def _quantised(kind: str, dtype: torch.dtype) -> dict[str, Any]:
    """What makes transformers quantise the model while it is loaded; nothing where it is not to be."""
    if kind not in QUANTIZATION:
        return {}
    if find_spec("bitsandbytes") is None:
        raise EnvironmentProblem(f"--quantize {kind} needs bitsandbytes: pip install 'magdi-cli[quantize]'")
    from transformers.integrations import validate_bnb_backend_availability

    if not validate_bnb_backend_availability():
        raise EnvironmentProblem(
            f"--quantize {kind}: the installed bitsandbytes knows no device of this machine; "
            "pip install --upgrade 'magdi-cli[quantize]', or leave the option"
        )
    settings = BitsAndBytesConfig(**QUANTIZATION[kind], bnb_4bit_compute_dtype=dtype)
    # quantised weights stay where they are loaded, so each process loads onto its own device
    return {"quantization_config": settings, "device_map": {"": device_for()}}


@contextmanager
def _readable(model: ResolvedModel) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        first_line = str(error).partition("\n")[0]
        raise AccessProblem(f"cannot load the student {model.hub_id}: {first_line} A local folder works too") from None
    except SafetensorError as error:
        raise DataProblem(f"the weights in {model.path} are damaged ({error}); fetch or copy them again") from None


def _with_adapter(causal: Any, config: DistillConfig) -> PeftModel:
    targets = [name.strip() for name in config.lora_targets.split(",")]
    present = _linear_names(causal)
    for name in targets:
        if name != ALL_LINEAR and name not in present:
            raise UnknownName("LoRA target", name, [ALL_LINEAR, *present])
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=ALL_LINEAR if ALL_LINEAR in targets else targets,
        bias="none",
    )
    adapted = get_peft_model(causal, lora)
    use_sparse_dropout(adapted)
    return adapted


def _linear_names(causal: Any) -> set[str]:
    """The names of the layers that can carry LoRA; the vocabulary projection stays as it is."""
    head = causal.get_output_embeddings()
    return {
        name.rpartition(".")[2]
        for name, module in causal.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    }
