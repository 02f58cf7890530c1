"""Settings of vLLM's engine as a user writes them; the types here are those vLLM declares."""

from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import EnvironmentProblem, UnknownName, UsageProblem
from magdi_cli.engines.vllm_settings import parsed, require_devices


class Config:
    """Stands for a nested configuration."""


class Backend(Enum):
    FAST = 1
    SAFE = 2


TYPES: dict[str, Any] = {
    "max_num_seqs": int | None,
    "gpu_memory_utilization": float,
    "enforce_eager": bool,
    "enable_prefix_caching": bool | None,
    "quantization": str | None,
    "tokenizer_mode": Literal["auto", "slow"] | str,
    "kv_cache_dtype": Literal["auto", "fp8"],
    "max_lora_rank": Literal[8, 16],
    "hf_overrides": dict[str, Any],
    "ignore_patterns": str | list[str],
    "compilation_config": Config,
    "attention_backend": Backend | None,
    "odd": object,
    "model": str,
    "seed": int,
}


@pytest.mark.parametrize(
    ("pair", "name", "value"),
    [
        ("max_num_seqs=64", "max_num_seqs", 64),
        ("max-num-seqs = 64", "max_num_seqs", 64),
        ("--max-num-seqs=64", "max_num_seqs", 64),
        ("max_num_seqs=none", "max_num_seqs", None),
        ("gpu_memory_utilization=0.8", "gpu_memory_utilization", 0.8),
        ("gpu_memory_utilization=1", "gpu_memory_utilization", 1.0),
        ("enforce_eager=true", "enforce_eager", True),
        ("enforce_eager=False", "enforce_eager", False),
        ("enforce_eager=0", "enforce_eager", False),
        ("enable_prefix_caching=None", "enable_prefix_caching", None),
        ("quantization=fp8", "quantization", "fp8"),
        ("quantization=a=b", "quantization", "a=b"),
        ("tokenizer_mode=mistral", "tokenizer_mode", "mistral"),
        ("kv_cache_dtype=fp8", "kv_cache_dtype", "fp8"),
        ("max_lora_rank=16", "max_lora_rank", 16),
        ('hf_overrides={"a": 1}', "hf_overrides", {"a": 1}),
        ("ignore_patterns=original/*", "ignore_patterns", "original/*"),
        ("ignore_patterns=12", "ignore_patterns", "12"),
        ('ignore_patterns=["a", "b"]', "ignore_patterns", ["a", "b"]),
        ('compilation_config={"level": 3}', "compilation_config", {"level": 3}),
        ("attention_backend=SAFE", "attention_backend", Backend.SAFE),
        ('odd={"a": 1}', "odd", {"a": 1}),
    ],
)
def test_a_value_is_read_as_what_vllm_declares(pair: str, name: str, value: object) -> None:
    settings = parsed([pair], TYPES)

    assert settings == {name: value}
    assert type(settings[name]) is type(value)


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ("max_num_seqs=many", "max_num_seqs: 'many' is not a whole number or none"),
        ("max_num_seqs=", "max_num_seqs: '' is not"),
        ("gpu_memory_utilization=most", "'most' is not a number"),
        ("enforce_eager=maybe", "'maybe' is not true or false"),
        ("kv_cache_dtype=int3", "'int3' is not 'auto' or 'fp8'"),
        ("max_lora_rank=9", "'9' is not 16 or 8"),
        ("hf_overrides=3", "'3' is not JSON"),
        ("hf_overrides={", "'{' is not JSON"),
        ("max_num_seqs", "write KEY=VALUE"),
        ("model=other", "--engine-arg model: use --student"),
        ("seed=1", "--engine-arg seed: use --seed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_would_do(pair: str, complaint: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        parsed([pair], TYPES)

    assert complaint in str(refused.value)


def test_an_unknown_name_is_refused_with_near_ones() -> None:
    with pytest.raises(UnknownName, match="no argument of vLLM's engine named 'max_num_seq'; close: max_num_seqs"):
        parsed(["max_num_seq=3"], TYPES)


def test_the_last_of_several_values_counts() -> None:
    assert parsed(["max_num_seqs=3", "max-num-seqs=4"], TYPES) == {"max_num_seqs": 4}


@pytest.mark.parametrize(
    ("settings", "lower"),
    [
        ({"tensor_parallel_size": 4}, "--tensor-parallel 4: that takes 4 GPUs and vLLM finds 3 here"),
        (
            {"tensor_parallel_size": 2, "data_parallel_size": 2},
            "--tensor-parallel 2 or --data-parallel 2: that takes 4 GPUs",
        ),
    ],
)
def test_more_devices_than_there_are_are_refused_with_the_option_to_lower(settings: dict[str, Any], lower: str) -> None:
    with pytest.raises(EnvironmentProblem) as refused:
        require_devices(settings, 3)

    assert lower in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tensor_parallel_size": 3},
        {"max_num_seqs": 64},
        {"tensor_parallel_size": 8, "distributed_executor_backend": "ray"},
    ],
)
def test_devices_that_are_there_or_may_be_elsewhere_are_not_refused(settings: dict[str, Any]) -> None:
    require_devices(settings, 3)


@given(st.one_of(st.integers(), st.none()), st.floats(allow_nan=False), st.booleans())
def test_what_is_written_is_what_is_read(whole: int | None, number: float, truth: bool) -> None:
    settings = {"max_num_seqs": whole, "gpu_memory_utilization": number, "enforce_eager": truth}

    assert parsed([f"{name}={value}" for name, value in settings.items()], TYPES) == settings
