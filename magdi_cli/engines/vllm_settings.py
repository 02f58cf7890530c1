"""Settings of vLLM's engine, by the names and types of its own arguments."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from math import prod
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from magdi_cli.core.errors import EnvironmentProblem, UnknownName, UsageProblem
from magdi_cli.engines.logfile import log_file, output_to

ENVIRONMENT = {
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "2",
}
"""What vLLM reads from the environment, where the user has not set it: quiet, private, 2 GiB of cache."""

OWNED = {"model": "--student", "seed": "--seed"}
"""Arguments that have an option of their own, which the records of a run speak of."""
OPTION = "--engine-arg"
LISTED_BY = "python -m vllm.entrypoints.openai.api_server --help=all"
PARALLEL = {
    "tensor_parallel_size": "--tensor-parallel",
    "data_parallel_size": "--data-parallel",
    "pipeline_parallel_size": f"{OPTION} pipeline_parallel_size",
}
"""Numbers of devices that multiply, and the options that set them."""
ELSEWHERE = ("distributed_executor_backend", "data_parallel_backend", "data_parallel_size_local", "nnodes")
"""Arguments that mean that not all devices need be in this machine."""
SIMPLE: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "words",
    NoneType: "none",
}
"""Types that are written without brackets, in words."""
TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def engine_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """The settings in texts such as `max_num_seqs=64`, each in the type that vLLM gives it."""
    return parsed(pairs, argument_types()) if pairs else {}


def set_environment() -> None:
    """Set what vLLM reads when it is imported."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def argument_types() -> Mapping[str, Any]:
    """Every argument of vLLM's engine, with its type; this imports vLLM, which takes seconds."""
    set_environment()
    with log_file("vllm") as log, output_to(log):
        from vllm.engine.arg_utils import AsyncEngineArgs

    # a type in quotes is one of vLLM's own, which are all written as JSON
    return {
        field.name: object if isinstance(field.type, str) else field.type
        for field in fields(AsyncEngineArgs)
        if not field.name.startswith("_")
    }


def require_known(names: Iterable[str], types: Mapping[str, Any]) -> None:
    """Refuse names that vLLM's engine has no argument for, and those that another option speaks for."""
    for name in names:
        if name not in types:
            raise UnknownName("argument of vLLM's engine", name, types, listed_by=LISTED_BY)
        if name in OWNED:
            raise UsageProblem(f"{OPTION} {name}: use {OWNED[name]}")


def devices_wanted(settings: Mapping[str, Any]) -> int:
    """How many devices the model is to be spread over."""
    return prod(settings.get(name) or 1 for name in PARALLEL)


def fewer_devices(settings: Mapping[str, Any]) -> str:
    """The options that ask for several devices, as what to lower."""
    return " or ".join(f"{option} {settings[name]}" for name, option in PARALLEL.items() if settings.get(name, 1) > 1)


def require_devices(settings: Mapping[str, Any], present: int) -> None:
    """An `EnvironmentProblem` where this machine's GPUs are too few; vLLM itself would tell after a minute."""
    wanted = devices_wanted(settings)
    if wanted > present and not any(name in settings for name in ELSEWHERE):
        raise EnvironmentProblem(
            f"{fewer_devices(settings)}: that takes {wanted} GPUs and vLLM finds {present} here; lower it"
        )


def parsed(pairs: Sequence[str], types: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `KEY=VALUE` texts, by key; the last one of a key counts. Dashes in a key may be underscores."""
    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not equals:
            raise UsageProblem(f"{OPTION} {pair}: write KEY=VALUE, such as gpu_memory_utilization=0.8")
        require_known([name], types)
        settings[name] = _value(f"{OPTION} {name}", text.strip(), types[name])
    return settings


def _value(where: str, text: str, declared: Any) -> Any:
    """The text as the first of the declared kinds that it can be read as."""
    kinds = _kinds(declared)
    for read in (_none, _truth, _whole, _number, _named, _structure, _words):
        try:
            return read(text, kinds)
        except (ValueError, LookupError):
            continue
    wanted = " or ".join(sorted({_in_words(kind) for kind in kinds}))
    raise UsageProblem(f"{where}: {text!r} is not {wanted}")


def _kinds(declared: Any) -> tuple[Any, ...]:
    """The alternatives of a type; the values of a `Literal` among them."""
    if get_origin(declared) in (Union, UnionType, Literal):
        return tuple(kind for part in get_args(declared) for kind in _kinds(part))
    return (declared,)


def _require(allowed: bool) -> None:
    if not allowed:
        raise ValueError


def _none(text: str, kinds: Sequence[Any]) -> None:
    _require(NoneType in kinds and text.lower() in ("none", "null"))


def _truth(text: str, kinds: Sequence[Any]) -> bool:
    _require(bool in kinds)
    return TRUTHS[text.lower()]


def _whole(text: str, kinds: Sequence[Any]) -> int:
    _require(int in kinds)
    return int(text)


def _number(text: str, kinds: Sequence[Any]) -> float:
    _require(float in kinds)
    return float(text)


def _named(text: str, kinds: Sequence[Any]) -> Any:
    """A value of a `Literal`, or a member of an enumeration."""
    known = {str(kind): kind for kind in kinds if not isinstance(kind, type)}
    members = [member for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum) for member in kind]
    return (known | {member.name: member for member in members})[text]


def _structure(text: str, kinds: Sequence[Any]) -> Any:
    """JSON, for everything that is neither a number nor words."""
    _require(any(kind not in SIMPLE for kind in kinds))
    value = json.loads(text)
    _require(isinstance(value, dict | list))
    return value


def _words(text: str, kinds: Sequence[Any]) -> str:
    _require(str in kinds)
    return text


def _in_words(kind: Any) -> str:
    return SIMPLE.get(kind) or (repr(kind) if isinstance(kind, str | int) else "JSON")
