"""`--format node-link`: a line of networkx node-link JSON a graph.

A line reads back with `networkx.node_link_graph(json.loads(line), edges="edges")`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from magdi_cli.build_graph.exporting import Write
from magdi_cli.build_graph.exporting.rows import open_rows
from magdi_cli.build_graph.validate import to_networkx
from magdi_cli.core.graph import InteractionGraph


def open_node_link(folder: Path) -> AbstractContextManager[Write]:
    """A writer of `node-link.jsonl`."""
    return open_rows(folder / "node-link.jsonl", _rows)


def _rows(graph: InteractionGraph) -> Iterator[dict[str, Any]]:
    import networkx

    made, problem = to_networkx(graph), graph.problem
    made.graph.update(
        id=problem.id, task=problem.task, question=problem.question, choices=list(problem.choices), gold=problem.gold
    )
    yield networkx.node_link_data(made, edges="edges")
