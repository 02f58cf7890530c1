"""What a running OpenAI-compatible server serves."""

import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from magdi_cli.core.errors import AccessProblem, UnknownName, UsageProblem

SECONDS = 10.0
KEY = "HOSTED_VLLM_API_KEY"
"""The variable that holds the server's key, where it wants one."""


def served_model(api_base: str, name: str | None) -> str:
    """The model of that name at a server; the only one where no name is given."""
    if not api_base.startswith(("http://", "https://")):
        raise UsageProblem(f"--api-base {api_base!r} must begin with http:// or https://")
    models = _models(api_base)
    if name is None and len(models) == 1:
        return models[0]
    if name is None:
        raise UsageProblem(f"{api_base} serves {', '.join(models) or 'no model'}; name one with --student")
    if name not in models:
        raise UnknownName(f"model at {api_base}", name, models)
    return name


def _models(api_base: str) -> list[str]:
    """The ids that a server lists."""
    key = os.environ.get(KEY)
    address = f"{api_base.rstrip('/')}/models"
    request = Request(address, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urlopen(request, timeout=SECONDS) as response:
            return [str(model["id"]) for model in json.load(response)["data"]]
    except HTTPError as error:
        hint = f"; set {KEY}" if error.code in (401, 403) else "; the address should end in /v1"
        raise AccessProblem(f"{address} answers {error.code} {error.reason}{hint}") from None
    except OSError as error:
        raise AccessProblem(f"no server answers at {address}: {getattr(error, 'reason', error)}") from None
    except (ValueError, KeyError, TypeError):
        raise AccessProblem(f"{address} lists no models; it should be an OpenAI-compatible server's") from None
