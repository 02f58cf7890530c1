"""What can be known to fail before the first paid call; nothing here touches the network."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    "ollama": (),
    "ollama_chat": (),
    "lm_studio": (),
    "llamafile": (),
}
"""Per provider, the environment variables of which one must be set; litellm is asked about the others."""


def preflight(
    teachers: Sequence[Teacher], environ: Mapping[str, str] | None = None, today: date | None = None
) -> list[str]:
    """What the user should know about the panel; one `AccessProblem` naming all that would fail."""
    if environ is None:
        _read_dotenv()
        environ = os.environ
    faults = [fault for teacher in teachers for fault in _retirement(teacher, today or date.today())]
    if missing := [need for teacher in teachers for need in _missing(teacher, environ)]:
        faults.append("; ".join(missing))
        faults.append(f"Set {'it' if len(missing) == 1 else 'them'} and run the same command again")
    if faults:
        raise AccessProblem(". ".join(faults))
    return [*_twins(teachers), *_stand_ins(teachers), *_free_of_charge(teachers)]


def _read_dotenv() -> None:
    # litellm reads .env when it is imported; the preflight must see the same keys without that import
    from dotenv import find_dotenv, load_dotenv

    load_dotenv(find_dotenv(usecwd=True))


def _retirement(teacher: Teacher, today: date) -> Iterator[str]:
    if teacher.engine != "api" or teacher.api_base is not None:
        return
    entry = find_entry(teacher.model)
    provider, _, bare = teacher.model.rpartition("/")
    if bare in RETIRED and (not provider or provider in SUCCESSORS):
        yield f"{teacher.asked} is no longer served by its provider; use {RETIRED[bare]}"
    elif entry is not None and entry.retires is not None and entry.retires < today:
        successor = SUCCESSORS.get(entry.provider)
        way_out = f"use {successor}" if successor else "name one that the provider serves"
        yield f"{teacher.asked} is no longer served by its provider since {entry.retires}; {way_out}"


def _missing(teacher: Teacher, environ: Mapping[str, str]) -> Iterator[str]:
    if teacher.engine != "api" or teacher.model in RETIRED:
        return
    provider = teacher.model.partition("/")[0]
    if provider == "hosted_vllm":
        if teacher.api_base is None and not environ.get("HOSTED_VLLM_API_BASE"):
            yield f"{teacher.name} needs ?api_base=http://HOST:PORT/v1 or HOSTED_VLLM_API_BASE"
    elif provider not in KEYS:
        yield from _missing_by_litellm(teacher)
    elif KEYS[provider] and not any(environ.get(key) for key in KEYS[provider]):
        yield f"{teacher.name} needs {KEYS[provider][0]}"


def _missing_by_litellm(teacher: Teacher) -> Iterator[str]:
    from magdi_cli.engines.api import missing_variables

    if missing := missing_variables(teacher.model, teacher.api_base):
        yield f"{teacher.name} needs {' and '.join(missing)}"


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
    for address in dict.fromkeys(teacher.api_base for teacher in teachers):
        if address is not None and is_loopback(address):
            yield f"{address} is this machine: its calls count as free"
