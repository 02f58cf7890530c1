"""Starting vLLM; importing this imports vLLM, which takes seconds and writes to the terminal."""

import logging
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.v1.engine.async_llm import AsyncLLM


class ExplicitlyStopped(AsyncLLM):  # type: ignore[misc]
    """vLLM's engine, without its second shutdown: at interpreter exit that one fails for want of modules."""

    def __del__(self) -> None:
        """Nothing: whoever started the engine has shut it down."""


def start_llm(model_folder: str, *, seed: int, max_model_len: int, lora_rank: int | None) -> Any:
    """The running engine of a model; `lora_rank` makes room for one adapter."""
    _quieten()
    lora = {"enable_lora": True, "max_loras": 1, "max_lora_rank": lora_rank} if lora_rank else {}
    settings = AsyncEngineArgs(
        model=model_folder,
        seed=seed % 2**31,
        max_model_len=max_model_len,
        enable_prefix_caching=True,
        # compiling takes longer than it saves on a CPU
        enforce_eager=runs_on_cpu(),
        disable_log_stats=True,
        use_tqdm_on_load=False,
        **lora,
    )
    llm = ExplicitlyStopped.from_engine_args(settings)
    # starting has set the level anew
    _quieten()
    return llm


def _quieten() -> None:
    """Leave warnings to the log that the child processes write; here they would interrupt the bars."""
    logging.getLogger("vllm").setLevel(logging.ERROR)


def runs_on_cpu() -> bool:
    """Whether the installed vLLM computes on the CPU."""
    return bool(current_platform.is_cpu())
