"""A student as one plain model: its adapter's weights added to its base's."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from magdi_cli.core.errors import AccessProblem, DataProblem
from magdi_cli.engines.bars import without_bars


def computes_on_cpu() -> bool:
    """Whether there is no GPU to compute on."""
    return not torch.cuda.is_available()


@contextmanager
def merged(model: str, adapter: Path) -> Iterator[str]:
    """A folder, for as long as this is open, that holds the model with the adapter's weights added.

    On a CPU, vLLM runs it several times as fast as the model with the adapter. The weights are rounded once,
    to bfloat16.
    """
    with tempfile.TemporaryDirectory(prefix="magdi-merged-") as folder:
        student = load_with_adapter(model, adapter).merge_and_unload()
        save_plain(student, load_tokenizer(model, adapter), Path(folder), dtype=torch.bfloat16)
        yield folder


def load_with_adapter(model: str, adapter: Path) -> PeftModel:
    """The unquantised model in float32, the adapter on top of it and not yet added; refused where they do not fit."""
    if not any(adapter.glob("adapter_model.*")):
        raise DataProblem(f"{adapter} has no adapter_model.safetensors: it was not trained or copied to the end")
    try:
        with without_bars(), warnings.catch_warnings():
            # PEFT goes on without the tensors it misses: what is merged then has no effect
            warnings.filterwarnings("error", message="Found missing adapter keys")
            _require_unquantised(model)
            base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
            return PeftModel.from_pretrained(base, str(adapter)).eval()
    except OSError as error:
        raise AccessProblem(f"cannot load {model}: {_first_line(error)} A local folder works too") from None
    except SafetensorError as error:
        raise DataProblem(f"weights in {adapter} or {model} are damaged ({error}); fetch or copy them again") from None
    except (UserWarning, RuntimeError, ValueError) as error:
        raise DataProblem(f"the adapter {adapter} does not fit {model}: {_first_line(error)}") from None


def load_tokenizer(model: str, adapter: Path) -> Any:
    """The tokenizer that was saved beside the adapter, or else the model's."""
    return AutoTokenizer.from_pretrained(adapter if (adapter / "tokenizer_config.json").exists() else model)


def save_plain(model: Any, tokenizer: Any, folder: Path, *, dtype: torch.dtype) -> None:
    """Write the model, converted to `dtype`, and its tokenizer as a folder that every Hugging Face loader takes."""
    settings, model.generation_config = model.generation_config, GenerationConfig()
    with without_bars():
        model.to(dtype).save_pretrained(folder)
    # written as it came: `save_pretrained` refuses settings that models are published with
    settings.to_json_file(folder / "generation_config.json")
    tokenizer.save_pretrained(folder)
    readable = (folder / "generation_config.json").stat().st_mode
    for path in folder.iterdir():
        # safetensors makes its files private to the user
        path.chmod(readable)


def _require_unquantised(model: str) -> None:
    if getattr(AutoConfig.from_pretrained(model), "quantization_config", None) is not None:
        raise DataProblem(f"{model} is stored quantised; an adapter is merged into unquantised weights only")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
