"""Hosted models and OpenAI-compatible servers, through litellm; the one layer that retries."""

import asyncio
import json
import logging
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from magdi_cli.core.errors import AccessProblem
from magdi_cli.core.protocols import Completion, Engine, Reply, Request
from magdi_cli.core.usage import Usage
from magdi_cli.engines.loopback import is_loopback
from magdi_cli.engines.retry import EmptyReply, ReplyCutOff, Retry, asked_wait_seconds

NO_ACCESS = (401, 403, 404)
"""Statuses no retry and no other question can mend."""
WRAPPING = re.compile(r"^((litellm\.)?\w*(Error|Exception|Timeout): )*(\w+Exception - )?| ssl:(<[^>]*>|default)")
"""What litellm wraps around a provider's words."""


@asynccontextmanager
async def open_api(
    model: str, *, api_base: str | None = None, timeout: float = 120.0, retry: Retry | None = None
) -> AsyncIterator[Engine]:
    """An engine for a litellm `provider/model`; its connections are closed in the end."""
    litellm = _litellm()
    try:
        yield ApiEngine(route=model, api_base=api_base, timeout=timeout, retry=retry or Retry())
    finally:
        await litellm.close_litellm_async_clients()


def missing_variables(model: str, api_base: str | None) -> list[str]:
    """The environment variables litellm would miss when it calls a model."""
    found: list[str] = _litellm().validate_environment(model, api_base=api_base)["missing_keys"]
    return found


@cache
def _litellm() -> Any:
    # read when litellm is imported: without it, it downloads a price map
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return litellm


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiEngine:
    """One model behind an API."""

    route: str
    """What litellm routes by: `provider/model`."""
    api_base: str | None
    timeout: float
    """Seconds to wait for one reply."""
    retry: Retry

    @property
    def model(self) -> str:
        """The route, and the server it leads to where that is not the provider's own."""
        return f"{self.route}@{self.api_base}" if self.api_base else self.route

    async def generate(self, request: Request) -> Completion:
        """One call per sample, all at once; one failed sample fails the completion."""
        calls = [asyncio.ensure_future(self._one(request)) for _ in range(request.sampling.n)]
        try:
            return _joined(await asyncio.gather(*calls))
        finally:
            for call in calls:
                call.cancel()

    async def _one(self, request: Request) -> Completion:
        started, tries = time.monotonic(), 0
        try:
            async for attempt in self.retry.attempts():
                with attempt:
                    tries += 1
                    response = await self._ask(request)
        except Exception as error:
            usage = Usage(calls=tries, seconds=time.monotonic() - started)
            return Completion(error=self._explained(error, tries), usage=usage)
        return self._read(response, tries=tries, seconds=time.monotonic() - started)

    async def _ask(self, request: Request) -> Any:
        """The response of litellm, which holds a text."""
        async with asyncio.timeout(self.timeout):
            response = await _litellm().acompletion(
                model=self.route,
                messages=[{"role": m.role, "content": m.content} for m in request.messages],
                temperature=request.sampling.temperature,
                max_tokens=request.sampling.max_tokens,
                num_retries=0,
                max_retries=0,
                drop_params=True,
                timeout=self.timeout,
                **self._also(request),
            )
        _require_text(response, request)
        return response

    def _also(self, request: Request) -> dict[str, Any]:
        """The parameters that not every call has."""
        also: dict[str, Any] = {}
        if self.api_base is not None:
            also["api_base"] = self.api_base
        if request.sampling.top_p != 1.0:
            also["top_p"] = request.sampling.top_p
        if request.reply_schema is not None and self._takes_schema():
            schema = {"name": "reply", "schema": dict(request.reply_schema)}
            also["response_format"] = {"type": "json_schema", "json_schema": schema}
        return also

    def _takes_schema(self) -> bool:
        return self.route.startswith("hosted_vllm/") or bool(_litellm().supports_response_schema(model=self.route))

    def _read(self, response: Any, *, tries: int, seconds: float) -> Completion:
        counts = response.usage
        usage = Usage(
            calls=tries,
            prompt_tokens=counts.prompt_tokens,
            completion_tokens=counts.completion_tokens,
            seconds=seconds,
            cost_usd=self._cost(response),
        )
        # a lone surrogate cannot be written to a file
        text = response.choices[0].message.content.encode("utf-8", "replace").decode()
        return Completion(replies=(Reply(text=text, completion_tokens=counts.completion_tokens),), usage=usage)

    def _cost(self, response: Any) -> float | None:
        if self.api_base is not None and is_loopback(self.api_base):
            return 0.0
        try:
            return float(_litellm().completion_cost(completion_response=response, model=self.route))
        except Exception:
            return None  # litellm raises a bare Exception for a model without a price

    def _explained(self, error: Exception, tries: int) -> str:
        """The error in words without secrets; an `AccessProblem` where no call to this model can succeed."""
        message = without_secrets(_message(error, self.timeout))
        status = getattr(error, "status_code", None)
        if status in NO_ACCESS or "insufficient_quota" in str(error):
            raise AccessProblem(
                f"{self.model} cannot be called ({status}): {message}; check its name, address and key"
            ) from None
        if (asked := asked_wait_seconds(error)) > 0:
            message += f"; the provider asks to wait {asked:.0f} s"
        return f"{message} (tried {tries} times)" if tries > 1 else message


def without_secrets(text: str) -> str:
    """The text with the value of every key in the environment blotted out."""
    for name, value in os.environ.items():
        if name.endswith(("_API_KEY", "_TOKEN", "_SECRET_ACCESS_KEY")) and len(value) >= 4:
            text = text.replace(value, f"[{name}]")
    return text


def _message(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError) or type(error).__name__ == "Timeout":
        return f"no reply within {timeout:g} s"
    words = " ".join((str(error) or type(error).__name__).split())
    words = _provider_words(re.sub(WRAPPING, "", words))
    return words if len(words) <= 300 else words[:300] + " ..."


def _provider_words(text: str) -> str:
    """The `message` inside a provider's JSON error; any other text as it is."""
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return text


def _require_text(response: Any, request: Request) -> None:
    choice = response.choices[0] if getattr(response, "choices", None) else None
    if choice is not None and choice.message.content:
        return
    reason = getattr(choice, "finish_reason", None)
    if reason == "length":
        raise ReplyCutOff(
            f"the model used all of its {request.sampling.max_tokens} tokens before it answered; raise --max-tokens"
        )
    if reason == "content_filter":
        raise ReplyCutOff("the provider's content filter stopped the reply")
    raise EmptyReply("empty reply")


def _joined(parts: list[Completion]) -> Completion:
    usage = sum((part.usage for part in parts), Usage())
    failed = [part.error for part in parts if part.error is not None]
    if failed:
        return Completion(error=failed[0], usage=usage)
    return Completion(replies=tuple(reply for part in parts for reply in part.replies), usage=usage)
