"""What the installed litellm knows about models, read from its files: importing litellm takes seconds."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from magdi_cli.core.errors import EnvironmentProblem

CHAT_MODES = ("chat", "completion", "responses")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the local price map says about one model."""

    provider: str
    mode: str
    """`chat`, `embedding` and so on."""
    retires: date | None
    """The last day the provider serves it; None where no day is announced."""
    usd_per_token: tuple[float, float] | None
    """What a prompt's and a reply's tokens cost; None unless both are listed and tokens are all that is paid for."""
    most_input_tokens: int | None
    """How long a prompt may be."""
    most_output_tokens: int | None
    """How long a reply may be."""


def find_entry(model: str) -> Entry | None:
    """The map's entry for `provider/model` or a bare model; None for a model it does not list."""
    models = _read("model_prices_and_context_window_backup.json")
    provider, _, rest = model.partition("/")
    facts = models.get(model)
    if facts is None and rest in models and models[rest].get("litellm_provider") == provider:
        facts = models[rest]
    if facts is None or "litellm_provider" not in facts:
        return None
    day = facts.get("deprecation_date")
    return Entry(
        provider=facts["litellm_provider"],
        mode=facts.get("mode", "chat"),
        retires=date.fromisoformat(day) if day else None,
        usd_per_token=usd_per_token(facts),
        most_input_tokens=facts.get("max_input_tokens"),
        most_output_tokens=facts.get("max_output_tokens"),
    )


def usd_per_token(facts: Mapping[str, Any]) -> tuple[float, float] | None:
    """What the map's facts say a prompt's and a reply's tokens cost; None if they leave anything open."""
    prompt, completion = facts.get("input_cost_per_token"), facts.get("output_cost_per_token")
    if prompt is None or completion is None or facts.get("input_cost_per_request"):
        return None
    # a reply may turn out to be thoughts, and a price is also what a reply may cost at most
    return prompt, max(completion, facts.get("output_cost_per_reasoning_token") or 0.0)


def resolve_model_id(name: str) -> str | None:
    """The `provider/model` that litellm can route; None for a name it would not know what to do with."""
    provider, slash, rest = name.partition("/")
    if slash and rest and provider in providers():
        return name
    entry = find_entry(name)
    if entry is None:
        return None
    return f"{entry.provider}/{name}" if not slash and entry.provider in providers() else name


@cache
def providers() -> frozenset[str]:
    """The prefixes litellm routes chats by."""
    known = _read("provider_endpoints_support_backup.json")["providers"]
    return frozenset(name for name, facts in known.items() if facts.get("endpoints", {}).get("chat_completions"))


@cache
def _read(name: str) -> Mapping[str, Any]:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise EnvironmentProblem("litellm is not installed; repair the environment: pip install magdi-cli")
    content: dict[str, Any] = json.loads(Path(spec.origin).with_name(name).read_bytes())
    return content
