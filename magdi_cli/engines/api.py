"""Hosted models and OpenAI-compatible servers, through litellm; the one layer that retries."""

import asyncio
import json
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from magdi_cli.core.errors import AccessProblem, MagdiError
from magdi_cli.core.protocols import Completion, Engine, Request
from magdi_cli.core.secrets import without_secrets
from magdi_cli.core.usage import Usage
from magdi_cli.engines.answer import Answer, choices_of, reasoning_tokens_of
from magdi_cli.engines.loopback import is_loopback
from magdi_cli.engines.parameters import Parameters
from magdi_cli.engines.prices import FREE
from magdi_cli.engines.retry import Retry, asked_wait_seconds, is_refusal, pause_seconds
from magdi_cli.engines.turnstile import Turnstile

NO_ACCESS = (401, 403, 404)
"""Statuses no retry and no other question can mend."""
RATE_LIMITED = 429
WRAPPING = re.compile(r"^((litellm\.)?\w*(Error|Exception|Timeout): )*(\w+Exception - )?| ssl:(<[^>]*>|default)")
"""What litellm wraps around a provider's words."""
TRACEBACK = " Traceback (most recent call last):"
"""What litellm adds to its own words about a body that is no reply."""


@asynccontextmanager
async def open_api(
    model: str,
    *,
    api_base: str | None = None,
    timeout: float = 120.0,
    retry: Retry | None = None,
    turnstile: Turnstile | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Engine]:
    """An engine for a litellm `provider/model`; its connections are closed in the end.

    `warn` is told once of each parameter that the model refuses.
    """
    litellm = _litellm()
    try:
        yield ApiEngine(
            route=model,
            api_base=api_base,
            timeout=timeout,
            retry=retry or Retry(),
            turnstile=turnstile or Turnstile.wide_open(FREE if api_base and is_loopback(api_base) else None),
            parameters=Parameters(litellm, model, warn),
        )
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
    turnstile: Turnstile
    """What every try passes."""
    parameters: Parameters

    @property
    def model(self) -> str:
        """The route, and the server it leads to where that is not the provider's own."""
        return f"{self.route}@{self.api_base}" if self.api_base else self.route

    async def generate(self, request: Request) -> Completion:
        """All samples in one call if the provider gives several, what is missing in calls for one each, all at once.

        One failed sample fails the completion.
        """
        n, parts = request.sampling.n, []
        if n > 1 and self.parameters.takes("n", n):
            parts.append(await self._called(request))
            n -= len(parts[0].replies)
            if parts[0].error is not None or n == 0:
                return parts[0]
        single = replace(request, sampling=replace(request.sampling, n=1))
        calls = [asyncio.ensure_future(self._called(single)) for _ in range(n)]
        try:
            return _joined([*parts, *await asyncio.gather(*calls)])
        finally:
            for call in calls:
                call.cancel()

    async def _called(self, request: Request) -> Completion:
        """The samples of one call, perhaps fewer than asked for; what its failed tries cost is part of its usage."""
        started, spent = time.monotonic(), Usage()
        try:
            async for attempt in self.retry.attempts(self.turnstile.lane.gate.sleep):
                with attempt:
                    answer = await self._try(request)
                    spent += answer.usage
                    replies = answer.replies(request)
        except MagdiError:
            raise
        except Exception as error:
            tries = attempt.retry_state.attempt_number
            usage = replace(spent, calls=tries, seconds=time.monotonic() - started)
            return Completion(error=self._explained(error, tries), usage=usage)
        tries = attempt.retry_state.attempt_number
        usage = replace(spent, calls=tries, seconds=time.monotonic() - started)
        return Completion(replies=replies, usage=usage, dropped=answer.dropped)

    async def _try(self, request: Request) -> Answer:
        """What the provider answered, if it was text or not."""
        async with self.turnstile.passed(request) as passage:
            try:
                response, sent, dropped = await self._ask(request)
            except Exception as error:
                if is_refusal(error):
                    passage.bill.settle(0.0)
                if getattr(error, "status_code", None) == RATE_LIMITED:
                    passage.slot.too_much(pause_seconds(error))
                raise
            answer = self._read(request, response, sent, dropped)
            passage.slot.succeeded()
            passage.bill.settle(answer.usage.cost_usd or 0.0)
            return answer

    async def _ask(self, request: Request) -> tuple[Any, int, tuple[str, ...]]:
        """The response of litellm, for how many samples it was asked, and the parameters it was asked without."""
        while True:
            parameters, dropped = self.parameters.sent(request)
            try:
                async with asyncio.timeout(self.timeout):
                    response = await _litellm().acompletion(
                        model=self.route,
                        messages=[{"role": m.role, "content": m.content} for m in request.messages],
                        api_base=self.api_base,
                        num_retries=0,
                        max_retries=0,
                        drop_params=True,
                        timeout=self.timeout,
                        **parameters,
                    )
            except Exception as error:
                if self.parameters.learn(error, parameters):
                    continue
                raise
            return response, parameters.get("n", 1), dropped

    def _read(self, request: Request, response: Any, n: int, dropped: tuple[str, ...]) -> Answer:
        """The answer to a call for `n` samples; a provider that gave fewer is not asked for several again."""
        choices = choices_of(response)
        if 0 < len(choices) < n:
            self.parameters.give_up("n")
        asked = replace(request, sampling=replace(request.sampling, n=n))
        return Answer(
            choices=choices,
            usage=self._usage(asked, response, replied=any(choice.text for choice in choices)),
            reasoning_tokens=reasoning_tokens_of(response),
            dropped=dropped,
        )

    def _usage(self, request: Request, response: Any, *, replied: bool) -> Usage:
        """The tokens a provider counted, and their price; its worst case where it did not count them."""
        counts = getattr(response, "usage", None)
        read, written = (max(0, getattr(counts, name, 0)) for name in ("prompt_tokens", "completion_tokens"))
        if read and (written or not replied):
            return Usage(prompt_tokens=read, completion_tokens=written, cost_usd=self._cost(response, read, written))
        price = self.turnstile.price
        worst = price.ceiling(request) if price is not None else None
        return Usage(prompt_tokens=read, completion_tokens=written, cost_usd=worst)

    def _cost(self, response: Any, prompt_tokens: int, completion_tokens: int) -> float | None:
        price = self.turnstile.price
        if price is not None and price.exact:
            return price.of(prompt_tokens, completion_tokens)
        try:
            return float(_litellm().completion_cost(completion_response=response, model=self.route))
        except Exception:
            # litellm raises a bare Exception for a model without a price
            return price.of(prompt_tokens, completion_tokens) if price is not None else None

    def _explained(self, error: Exception, tries: int) -> str:
        """The error in words without secrets; an `AccessProblem` where no call to this model can succeed."""
        message = _message(error, self.timeout)
        status = getattr(error, "status_code", None)
        if status in NO_ACCESS or "insufficient_quota" in str(error):
            raise AccessProblem(
                f"{self.model} cannot be called ({status}): {message}; check its name, address and key"
            ) from None
        if (asked := asked_wait_seconds(error)) > 0:
            message += f"; the provider asks to wait {asked:.0f} s"
        return f"{message} (tried {tries} times)" if tries > 1 else message


def _message(error: Exception, timeout: float) -> str:
    """The provider's words, secrets blotted out before they are cut to length: half a key is a secret, too."""
    if isinstance(error, TimeoutError) or type(error).__name__ == "Timeout":
        return f"no reply within {timeout:g} s"
    words = " ".join((str(error) or type(error).__name__).split())
    words = without_secrets(_provider_words(re.sub(WRAPPING, "", words).partition(TRACEBACK)[0]))
    return words if len(words) <= 300 else words[:300] + " ..."


def _provider_words(text: str) -> str:
    """The `message` inside a provider's JSON error; any other text as it is."""
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


def _joined(parts: list[Completion]) -> Completion:
    usage = sum((part.usage for part in parts), Usage())
    failed = [part.error for part in parts if part.error is not None]
    if failed:
        return Completion(error=failed[0], usage=usage)
    return Completion(
        replies=tuple(reply for part in parts for reply in part.replies),
        usage=usage,
        dropped=tuple(dict.fromkeys(name for part in parts for name in part.dropped)),
    )
