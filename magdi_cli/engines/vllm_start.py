"""Starting vLLM; importing this imports vLLM, which takes seconds and writes to the terminal."""

import logging
from collections.abc import Mapping
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from magdi_cli.engines.vllm_settings import argument_types, require_devices, require_known


class ExplicitlyStopped(AsyncLLM):  # type: ignore[misc]
    """vLLM's engine, without its second shutdown: at interpreter exit that one fails for want of modules."""

    def __del__(self) -> None:
        """Nothing: whoever started the engine has shut it down."""


def start_llm(model_folder: str, *, seed: int, lora_rank: int | None, settings: Mapping[str, Any]) -> Any:
    """The running engine of a model; `lora_rank` makes room for one adapter, `settings` win over all that is set here.

    A `UsageProblem` for a setting that vLLM does not know, an `EnvironmentProblem` where GPUs are too few.
    """
    require_known(settings, argument_types())
    if not runs_on_cpu():
        require_devices(settings, current_platform.device_count())
    _quieten()
    lora = {"enable_lora": True, "max_loras": 1, "max_lora_rank": lora_rank} if lora_rank else {}
    own = {
        "enable_prefix_caching": True,
        # compiling takes longer than it saves on a CPU
        "enforce_eager": runs_on_cpu(),
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    arguments = AsyncEngineArgs(model=model_folder, seed=seed % 2**31, **(own | lora | dict(settings)))
    # as many sequences at once as vLLM takes offline, where nobody waits for a first token: up to eight times as many
    llm = ExplicitlyStopped.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS)
    # starting has set the level anew
    _quieten()
    return llm


def _quieten() -> None:
    """Leave warnings to the log that the child processes write; here they would interrupt the bars."""
    logging.getLogger("vllm").setLevel(logging.ERROR)


def runs_on_cpu() -> bool:
    """Whether the installed vLLM computes on the CPU."""
    return bool(current_platform.is_cpu())
