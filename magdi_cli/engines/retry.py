"""When a failed call is worth another try, and how long to wait before it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

PATIENCE_SECONDS = 600.0
"""A provider that asks for a longer wait gets none: the call fails at once and says so."""


class EmptyReply(Exception):
    """A model answered with nothing."""


class ReplyCutOff(Exception):
    """A model used up its tokens, or was stopped, before it said anything; another try would end the same way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """How stubborn to be."""

    retries: int = 6
    """Tries after the first."""
    first_wait_seconds: float = 1.0
    """The wait before the second try; it doubles from then on, with jitter."""
    longest_wait_seconds: float = 60.0

    def attempts(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AsyncRetrying:
        """The tries, one `with` block each; the last error is raised as it is. Waits are done by `sleep`."""
        return AsyncRetrying(
            sleep=sleep,
            retry=retry_if_exception(is_transient),
            stop=stop_after_attempt(self.retries + 1),
            wait=self._wait_seconds,
            reraise=True,
        )

    def _wait_seconds(self, state: RetryCallState) -> float:
        own = wait_exponential_jitter(
            multiplier=self.first_wait_seconds, max=self.longest_wait_seconds, jitter=self.first_wait_seconds
        )(state)
        error = state.outcome.exception() if state.outcome else None
        return max(own, asked_wait_seconds(error) if error else 0.0)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later: 408, 409, 429, 5xx, network, timeout, empty reply, a gateway's page."""
    if isinstance(error, EmptyReply | TimeoutError | ConnectionError):
        return True
    if asked_wait_seconds(error) > PATIENCE_SECONDS or "insufficient_quota" in str(error):
        return False
    status = getattr(error, "status_code", None)
    # an error with status 200 is a body that is no reply
    return isinstance(status, int) and (status in (200, 408, 409, 429) or status >= 500)


def is_refusal(error: BaseException) -> bool:
    """Whether a provider turned a call away unanswered, so that it costs nothing."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and ((400 <= status < 500 and status != 408) or status == 503)


def asked_wait_seconds(error: BaseException) -> float:
    """The wait a provider asked for in `Retry-After`, as seconds or a date; 0 where it did not."""
    text = _headers(error).get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def pause_seconds(error: BaseException) -> float:
    """The pause a refusal means for all calls to its provider: none where the wait asked for is too long for any."""
    wait = asked_wait_seconds(error)
    return wait if wait <= PATIENCE_SECONDS else 0.0


def _headers(error: BaseException) -> Mapping[str, str]:
    for source in (getattr(error, "litellm_response_headers", None), getattr(error, "response", None)):
        headers = getattr(source, "headers", source)
        if isinstance(headers, Mapping) and headers:
            return {str(key).lower(): str(value) for key, value in headers.items()}
    return {}
