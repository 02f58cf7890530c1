"""`--format pyg`: the graphs as integer tensors for PyTorch Geometric; no texts, no pickle.

`graphs.safetensors` holds all graphs one after the other. Graph k has the nodes `node_ptr[k]:node_ptr[k + 1]` of `y`
(1 = correct), `round` and `agent`, and the edges `edge_ptr[k]:edge_ptr[k + 1]` of `edge_index`, which count nodes from
the graph's own first one. `agent` points into the names that the file's metadata holds: `magdi`, a JSON object with
the list `agents`. Line k of `graphs.index.jsonl` names the problem.
"""

import json
import warnings
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from magdi_cli.build_graph.exporting import Write
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import encode, read_records, replacing

if TYPE_CHECKING:
    from torch import Tensor
    from torch_geometric.data import Data

TENSORS = "graphs.safetensors"
INDEX = "graphs.index.jsonl"
LAST_ROUND = 2**15 - 1

_NAMES = ("node_ptr", "edge_ptr", "edge_index", "y", "round", "agent")


@dataclass(frozen=True, kw_only=True, slots=True)
class PygEntry:
    """Whose graph it is."""

    schema: Literal["magdi.pyg-index/1"] = "magdi.pyg-index/1"
    problem_id: str
    nodes: int
    edges: int


@dataclass(kw_only=True, slots=True)
class _Columns:
    """The tensors as they grow; integers only."""

    node_ptr: "array[int]" = field(default_factory=lambda: array("q", [0]))
    edge_ptr: "array[int]" = field(default_factory=lambda: array("q", [0]))
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    y: "array[int]" = field(default_factory=lambda: array("b"))
    round: "array[int]" = field(default_factory=lambda: array("h"))
    agent: "array[int]" = field(default_factory=lambda: array("i"))
    agents: dict[str, int] = field(default_factory=dict)

    def add(self, graph: InteractionGraph) -> None:
        last = max((node.round for node in graph.nodes), default=0)
        if last > LAST_ROUND:
            raise DataProblem(
                f"problem {graph.problem.id!r}: the pyg format counts rounds up to {LAST_ROUND}, not {last}; "
                "leave pyg out of --format"
            )
        self.y.extend(node.correct for node in graph.nodes)
        self.round.extend(node.round for node in graph.nodes)
        self.agent.extend(self.agents.setdefault(node.agent, len(self.agents)) for node in graph.nodes)
        self.starts.extend(start for start, _ in graph.edges)
        self.ends.extend(end for _, end in graph.edges)
        self.node_ptr.append(len(self.y))
        self.edge_ptr.append(len(self.starts))

    def encoded(self) -> bytes:
        import numpy
        from safetensors.numpy import save

        columns = {name: numpy.asarray(getattr(self, name)) for name in _NAMES if name != "edge_index"}
        edge_index = numpy.stack([numpy.asarray(self.starts), numpy.asarray(self.ends)])
        # one entry only: safetensors writes several in an order that changes from run to run
        metadata = {"magdi": json.dumps({"schema": "magdi.pyg/1", "agents": list(self.agents)}, ensure_ascii=False)}
        content: bytes = save(columns | {"edge_index": edge_index}, metadata=metadata)
        return content


@contextmanager
def open_pyg(folder: Path) -> Iterator[Write]:
    """A writer of `graphs.safetensors` and `graphs.index.jsonl`."""
    columns = _Columns()
    with replacing(folder / INDEX) as index, replacing(folder / TENSORS) as tensors:

        def write(graph: InteractionGraph) -> None:
            columns.add(graph)
            entry = PygEntry(problem_id=graph.problem.id, nodes=len(graph.nodes), edges=len(graph.edges))
            index.write(encode(entry))

        yield write
        tensors.write(columns.encoded())


def read_pyg(folder: Path) -> Iterator["Data"]:
    """Each graph as a `Data` of `edge_index`, `y`, `round`, `agent` and `problem_id`, in the order of the index."""
    with warnings.catch_warnings():
        # torch_geometric 2.8 compiles parts of itself, which we do not use, by a way that torch 2.13 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch_geometric.data import Data

    tensors, _ = _load(folder)
    nodes, edges = tensors["node_ptr"].tolist(), tensors["edge_ptr"].tolist()
    entries = list(read_records(folder / INDEX, PygEntry))
    if len(entries) != len(nodes) - 1:
        raise DataProblem(
            f"{folder / TENSORS} holds {len(nodes) - 1} graphs, {INDEX} names {len(entries)}; "
            "make both anew with magdi build-graph --format pyg"
        )
    for k, entry in enumerate(entries):
        mine = slice(nodes[k], nodes[k + 1])
        yield Data(
            edge_index=tensors["edge_index"][:, edges[k] : edges[k + 1]],
            y=tensors["y"][mine],
            round=tensors["round"][mine],
            agent=tensors["agent"][mine],
            num_nodes=entry.nodes,
            problem_id=entry.problem_id,
        )


def read_agents(folder: Path) -> tuple[str, ...]:
    """The names that `agent` counts."""
    return _load(folder)[1]


def _load(folder: Path) -> tuple[dict[str, "Tensor"], tuple[str, ...]]:
    from safetensors import SafetensorError, safe_open

    path = folder / TENSORS
    try:
        with safe_open(path, framework="pt") as content:
            about = json.loads((content.metadata() or {})["magdi"])
            return {name: content.get_tensor(name) for name in _NAMES}, tuple(about["agents"])
    except (OSError, SafetensorError, KeyError) as error:
        raise DataProblem(f"cannot read {path}: {error}; make it with magdi build-graph --format pyg") from None
