from typing import Any

import pytest
import torch

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.distill.lessons.schedule import Schedule
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.memory import Demand, demand_of, enough_memory, remedies
from tests.distill.courses import items_of

TRAINING = Demand(dtype=torch.bfloat16, longest_text=600, largest_graph=700, largest_step=1600)
MISTRAL = DistillConfig(student="mistral-7b")


def test_memory_that_a_processor_lacks_names_three_flags_with_values() -> None:
    with pytest.raises(EnvironmentProblem) as caught, enough_memory(MISTRAL, TRAINING):
        torch.empty(2**60)
    assert str(caught.value).endswith(
        "try --tokens-per-pass 800 (now 2048), or --gradient-checkpointing on (now off), "
        "or --prompt-sharing always (now auto)"
    )
    assert caught.value.exit_code == 8


def test_memory_that_a_gpu_lacks_is_told_alike() -> None:
    with (
        pytest.raises(EnvironmentProblem, match=r"out of memory \(CUDA out of memory. Tried to allocate 20 GiB\); try"),
        enough_memory(MISTRAL, TRAINING),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB\nmore")


def test_other_failures_are_not_taken_for_it() -> None:
    with pytest.raises(RuntimeError, match="must match"), enough_memory(MISTRAL, TRAINING):
        torch.ones(2) + torch.ones(3)


@pytest.mark.parametrize(
    ("demand", "first"),
    [
        # a graph is differentiated whole, whatever a pass takes
        (Demand(dtype=torch.bfloat16, longest_text=600, largest_graph=1600, largest_step=1600), "--gradient"),
        (
            Demand(dtype=torch.bfloat16, longest_text=600, largest_graph=9, largest_step=9, recomputes=True),
            "--prompt-sharing always (now auto)",
        ),
        (
            Demand(
                dtype=torch.bfloat16,
                longest_text=600,
                largest_graph=9,
                largest_step=9,
                recomputes=True,
                shares_prompts=True,
            ),
            "--max-length 300 (now 1024; the longest text has 600)",
        ),
        (Demand(dtype=torch.float32), "--dtype bf16 (now fp32)"),
        (Demand(dtype=torch.bfloat16), "--student smollm2-135m (now mistral-7b)"),
    ],
)
def test_only_what_would_help_is_named(demand: Demand, first: str) -> None:
    assert remedies(MISTRAL, demand)[0].startswith(first)


def test_the_demand_is_that_of_the_data(student: Student, tokenizer: Any) -> None:
    items = items_of(tokenizer, range(1, 4))
    plan = Schedule(steps=((0, 1), (2,)), epochs=(0.5, 1.0))
    demand = demand_of(student, DistillConfig(), items, plan, "auto")
    assert demand.largest_graph == max(item.length for item in items)
    assert demand.largest_step == items[0].length + items[1].length
    assert demand.longest_text == max(len(i.prompt) + len(c) for i in items for c in i.completions)
    assert (demand.recomputes, demand.shares_prompts, demand.dtype) == (False, False, torch.float32)
