"""Running out of memory, answered with flags that help, at values that follow from the settings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.distill.encoding.batches import Item
from magdi_cli.distill.encoding.sharing import PromptSharing
from magdi_cli.distill.lessons.schedule import Schedule
from magdi_cli.distill.student.loading import recomputes
from magdi_cli.distill.student.student import Student

ON_CPU = ("can't allocate memory", "not enough memory")
"""How torch's allocator for the CPU complains, in a `RuntimeError` like any other."""
SMALLEST = "smollm2-135m"
NARROW = "q_proj,v_proj"
NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What asked for the memory."""

    dtype: torch.dtype
    recomputes: bool = False
    shares_prompts: bool = False
    longest_text: int = 0
    """Tokens; 0 while the model is being loaded."""
    largest_graph: int = 0
    largest_step: int = 0


def demand_of(
    student: Student, config: DistillConfig, items: Sequence[Item], plan: Schedule, sharing: PromptSharing
) -> Demand:
    """What the training of a student asks for."""
    lengths = [item.length for item in items]
    return Demand(
        dtype=student.backbone.dtype,
        recomputes=recomputes(student.backbone, config),
        shares_prompts=sharing == "always" or config.prompt_sharing != sharing,
        longest_text=max(item.longest for item in items),
        largest_graph=max(lengths),
        largest_step=max(sum(lengths[graph] for graph in step) for step in plan.steps),
    )


@contextmanager
def enough_memory(config: DistillConfig, demand: Demand) -> Iterator[None]:
    """Within it, memory that runs out is an `EnvironmentProblem` that names what asks for less."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_shortage(error):
            raise
        first_line = str(error).partition("\n")[0]
        flags = ", or ".join(remedies(config, demand)[:NAMED])
        raise EnvironmentProblem(f"out of memory ({first_line}); try {flags}") from None


def remedies(config: DistillConfig, demand: Demand) -> list[str]:
    """Flags that ask for less memory, what costs least first."""
    pass_tokens = min(config.tokens_per_pass, demand.largest_step)
    smaller_pass = max(pass_tokens // 2, demand.largest_graph)
    shorter = demand.longest_text // 2
    training = demand.longest_text > 0
    found = (
        (training and smaller_pass < pass_tokens, "--tokens-per-pass", smaller_pass, config.tokens_per_pass),
        (training and not demand.recomputes, "--gradient-checkpointing", "on", "off"),
        (training and not demand.shares_prompts, "--prompt-sharing", "always", config.prompt_sharing),
        (training, "--max-length", shorter, f"{config.max_length}; the longest text has {demand.longest_text}"),
        (demand.dtype == torch.float32, "--dtype", "bf16", "fp32"),
        (torch.cuda.is_available() and config.quantize == "none", "--quantize", "4bit", "none"),
        (config.student != SMALLEST, "--student", SMALLEST, config.student),
        (config.lora_targets != NARROW, "--lora-targets", NARROW, config.lora_targets),
        (config.lora_r > 1, "--lora-r", config.lora_r // 2, config.lora_r),
    )
    return [f"{flag} {value} (now {now})" for helps, flag, value, now in found if helps]


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(error) for words in ON_CPU)
