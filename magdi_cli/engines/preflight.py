"""What can be known to fail before the first paid call; nothing here touches the network."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from magdi_cli.core.errors import AccessProblem
from magdi_cli.engines.aliases import RETIRED, STAND_INS, SUCCESSORS
from magdi_cli.engines.catalogue import find_entry
from magdi_cli.engines.loopback import is_loopback
from magdi_cli.engines.teachers import Teacher

KEYS: Mapping[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "openrouter": ("OPENROUTER_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "hosted_vllm": ("HOSTED_VLLM_API_BASE",),
    "ollama": (),
    "ollama_chat": (),
    "lm_studio": (),
    "llamafile": (),
}
"""Per provider, the environment variables of which one must be set; litellm is asked about the others."""
OR_ADDRESS: Mapping[str, str] = {"hosted_vllm": "?api_base=http://HOST:PORT/v1 or "}
"""Providers whose variable is an address, which the seat may bring along."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentKey:
    """The environment variable that a seat's calls need."""

    variable: str
    """Its name; empty where none is needed."""
    found: bool
    """Whether a call would find what it needs."""


NO_KEY = EnvironmentKey(variable="", found=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The end of a model at its provider."""

    last_day: date | None
    """None for one that is gone since long ago."""
    successor: str | None
    """The model to name instead; None if nobody knows one."""


def preflight(
    teachers: Sequence[Teacher], environ: Mapping[str, str] | None = None, today: date | None = None
) -> list[str]:
    """What the user should know about the panel; one `AccessProblem` naming all that would fail."""
    missing = missing_keys(teachers, environ, today)
    faults = [*retirements(teachers, today), *missing]
    if missing:
        faults.append("Set what is missing and run the same command again")
    if faults:
        raise AccessProblem(". ".join(faults))
    return notes(teachers)


def notes(teachers: Sequence[Teacher]) -> list[str]:
    """What the user should know about the panel."""
    return [*_twins(teachers), *_stand_ins(teachers), *_free_of_charge(teachers)]


def retirements(teachers: Sequence[Teacher], today: date | None = None) -> list[str]:
    """The seats whose model is gone, each with the model to name instead."""
    return [fault for teacher in teachers for fault in _retirement(teacher, today)]


def missing_keys(
    teachers: Sequence[Teacher], environ: Mapping[str, str] | None = None, today: date | None = None
) -> list[str]:
    """One sentence about the seats that lack a key, and one about those that lack nothing."""
    environ = environment() if environ is None else environ
    needs = {teacher.name: _need(teacher, environ) for teacher in teachers}
    missing = [f"{name} needs {need}" for name, need in needs.items() if need]
    if not missing:
        return []
    fine = [teacher.name for teacher in teachers if not needs[teacher.name] and not _is_retired(teacher, today)]
    return [
        f"{'; '.join(missing)} (not set; .env looked for in ./ and above)",
        *([f"Other seats are fine: {', '.join(fine)}"] if fine else []),
    ]


def environment() -> Mapping[str, str]:
    """The environment with the settings of a .env file in this folder or above."""
    # litellm reads .env when it is imported; the preflight must see the same keys without that import
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))
    return os.environ


def key_of(teacher: Teacher, environ: Mapping[str, str]) -> EnvironmentKey:
    """The variable that a seat's calls find their key in; where several would do, the one that is set or the first."""
    provider = RETIRED.get(teacher.model, teacher.model).partition("/")[0]
    if teacher.engine != "api":
        return NO_KEY
    if provider in OR_ADDRESS and teacher.api_base is not None:
        return NO_KEY
    if provider not in KEYS:
        return _key_by_litellm(teacher)
    variables = KEYS[provider]
    found = [variable for variable in variables if environ.get(variable)]
    return EnvironmentKey(variable=(found or variables)[0], found=bool(found)) if variables else NO_KEY


def _key_by_litellm(teacher: Teacher) -> EnvironmentKey:
    from magdi_cli.engines.api import missing_variables

    missing = missing_variables(teacher.model, teacher.api_base)
    return EnvironmentKey(variable=" and ".join(missing), found=not missing)


def _need(teacher: Teacher, environ: Mapping[str, str]) -> str:
    """What a seat lacks; empty if nothing, or if no key would help."""
    key = key_of(teacher, environ)
    if key.found or teacher.model in RETIRED:
        return ""
    return OR_ADDRESS.get(teacher.model.partition("/")[0], "") + key.variable


def ending_of(teacher: Teacher) -> Ending | None:
    """When the provider stops to serve a seat's model; None where no end is known."""
    if teacher.engine != "api" or teacher.api_base is not None:
        return None
    provider, _, bare = teacher.model.rpartition("/")
    if bare in RETIRED and (not provider or provider in SUCCESSORS):
        return Ending(last_day=None, successor=RETIRED[bare])
    entry = find_entry(teacher.model)
    if entry is None or entry.retires is None:
        return None
    return Ending(last_day=entry.retires, successor=SUCCESSORS.get(entry.provider))


def _is_retired(teacher: Teacher, today: date | None) -> bool:
    ending = ending_of(teacher)
    return ending is not None and (ending.last_day is None or ending.last_day < (today or date.today()))


def _retirement(teacher: Teacher, today: date | None) -> Iterator[str]:
    ending = ending_of(teacher)
    if ending is None or not _is_retired(teacher, today):
        return
    since = f" since {ending.last_day}" if ending.last_day else ""
    way_out = f"use {ending.successor}" if ending.successor else "name one that the provider serves"
    yield f"{teacher.asked} is no longer served by its provider{since}; {way_out}"


def _twins(teachers: Sequence[Teacher]) -> Iterator[str]:
    times = Counter(teacher.name.partition("#")[0] for teacher in teachers if "#" in teacher.name)
    for name, count in times.items():
        if count > 1:
            seats = ", ".join(t.name for t in teachers if t.name.partition("#")[0] == name)
            yield f"{name} has {count} seats: {seats}"


def _stand_ins(teachers: Sequence[Teacher]) -> Iterator[str]:
    for asked in dict.fromkeys(teacher.asked for teacher in teachers):
        if asked in STAND_INS:
            yield f"{asked} is retired; this seat runs {STAND_INS[asked]}"


def _free_of_charge(teachers: Sequence[Teacher]) -> Iterator[str]:
    for address in dict.fromkeys(teacher.api_base for teacher in teachers if teacher.price is None):
        if address is not None and is_loopback(address):
            yield f"{address} is this machine: its calls count as free"
