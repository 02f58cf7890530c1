"""What a model is asked to obey, and what of it the model refuses."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from magdi_cli.core.protocols import Request

LENGTH, OTHER_LENGTH = "max_tokens", "max_completion_tokens"

NAMED: Mapping[str, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "response_format": ("response_format", "json_schema", "structured output", "guided_json"),
    "n": (r"(?<![\w\\])n(?!\w)",),
}
"""Parameters a call can do without, and patterns of what providers call them when they complain."""
WITHOUT: Mapping[str, str] = {"n": "each sample is a call of its own"}
"""What becomes of calls without a parameter, where they are not just made without."""
PARAM_FIELD = re.compile(r"['\"]param['\"]:\s*['\"](\w+)")
"""Where OpenAI and its kin say which parameter they mean."""
COMPLAINTS = (
    *("unsupported", "not support", "unknown", "unrecognized", "unexpected", "not permitted", "not allowed"),
    *("deprecated", "only the default", "cannot be", "must be", "invalid", "extra inputs"),
)


class Parameters:
    """The parameters of one model's calls; what it refused once is not sent again."""

    def __init__(self, litellm: Any, route: str, warn: Callable[[str], None]) -> None:
        self._litellm, self._route, self._warn = litellm, route, warn
        self._refused: set[str] = set()
        self._length = LENGTH
        self._vanishes = cache(self._would_vanish)
        self._takes_schema = route.startswith("hosted_vllm/") or bool(litellm.supports_response_schema(model=route))

    def wanted(self, request: Request) -> dict[str, Any]:
        """What the sampling and the schema of a request come to; a schema only where it can be kept."""
        sampling = request.sampling
        wanted: dict[str, Any] = {"temperature": sampling.temperature}
        if sampling.top_p != 1.0:
            wanted["top_p"] = sampling.top_p
        if sampling.n > 1 and self.takes("n", sampling.n):
            # without it the samples are drawn all the same, so it counts as nothing left out
            wanted["n"] = sampling.n
        if request.reply_schema is not None and self._takes_schema:
            schema = {"name": "reply", "schema": dict(request.reply_schema)}
            wanted["response_format"] = {"type": "json_schema", "json_schema": schema}
        return wanted

    def sent(self, request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What is sent, and the names of what is left out because the model refuses it."""
        wanted = self.wanted(request)
        dropped = tuple(name for name, value in wanted.items() if not self.takes(name, value))
        sent = {name: value for name, value in wanted.items() if name not in dropped}
        return sent | {self._length: request.sampling.max_tokens}, dropped

    def learn(self, error: Exception, sent: Mapping[str, Any]) -> bool:
        """Whether a bad request complained of a parameter it can do without, so that it is worth sending again."""
        complaint = str(error).lower()
        if getattr(error, "status_code", None) not in (400, 422):
            return False
        # what was sent counts: a call refused at the same time may have taught us already
        if LENGTH in sent and OTHER_LENGTH in complaint:
            self._length = OTHER_LENGTH
            return True
        refused = [name for name in sent if name in NAMED and complains_of(name, complaint)]
        for name in refused:
            self.give_up(name)
        return bool(refused)

    def takes(self, name: str, value: object) -> bool:
        """Whether the model, as far as anybody knows, obeys a parameter."""
        if name not in self._refused and isinstance(value, float | int) and self._vanishes(name, value):
            self.give_up(name)
        return name not in self._refused

    def give_up(self, name: str) -> None:
        """Send a parameter no more: the model refuses it, or does as if it had not been sent."""
        if name not in self._refused:
            self._refused.add(name)
            self._warn(f"{self._route} refuses {name}; {WITHOUT.get(name, 'its calls are made without')}")

    def _would_vanish(self, name: str, value: float) -> bool:
        """Whether litellm knows that the model refuses a parameter, and would drop it unsaid."""
        try:
            model, provider, *_ = self._litellm.get_llm_provider(self._route)
            mapped = [
                self._litellm.get_optional_params(
                    model=model, custom_llm_provider=provider, drop_params=True, max_tokens=1, **sampling
                )
                for sampling in ({}, {name: value})
            ]
        except Exception:
            return False  # litellm raises what it likes for models it does not know
        return bool(mapped[0] == mapped[1])


def complains_of(name: str, complaint: str) -> bool:
    """Whether a refusal is about a parameter: by its `param` field, else by a word of complaint beside the name."""
    if field := PARAM_FIELD.search(complaint):
        return field[1] in (name, *NAMED[name])
    return any(word in complaint for word in COMPLAINTS) and any(re.search(word, complaint) for word in NAMED[name])
