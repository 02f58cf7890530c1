"""The result of `magdi build-graph` for people: what was built, then what the graphs tell, table by table."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from magdi_cli.cli.console import tables

LEFT_TO_JSON = frozenset({"schema", "graphs", "agent_rounds", "round_flips"})
"""Statistics that are told already or too long to read; `--json` has them."""
SUSPECTS_SHOWN = 10


def view(document: Mapping[str, Any], width: int) -> RenderableType:
    """The facts first, then the tables that have rows."""
    told = dict(document)
    statistics = {key: value for key, value in told.pop("statistics").items() if key not in LEFT_TO_JSON}
    statistics["suspects"] = statistics["suspects"][:SUSPECTS_SHOWN]
    rows = [{key: value for key, value in row.items() if key != "schema"} for row in told["first_disagreements"]]
    return tables({**told, "first_disagreements": rows, **statistics}, width)
