"""Interaction graphs for other programs: one writer a format, each imported when it is first asked for."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from magdi_cli.core.graph import InteractionGraph

Write = Callable[[InteractionGraph], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """A format: called with a folder, it opens a writer into it.

    Texts go to disk as they come. What it writes takes its place when the context ends well; else
    what was there before stays.
    """

    opener: str
    """`module:function`, a module of this package."""
    writes: tuple[str, ...]
    """What appears in the folder."""

    def __call__(self, folder: Path) -> AbstractContextManager[Write]:
        """A writer of graphs into the folder."""
        module, _, function = self.opener.partition(":")
        opened: AbstractContextManager[Write] = getattr(import_module(f"{__name__}.{module}"), function)(folder)
        return opened


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "graphml": Export(opener="graphml:open_graphml", writes=("graphml",)),
        "node-link": Export(opener="node_link:open_node_link", writes=("node-link.jsonl",)),
        "pyg": Export(opener="pyg:open_pyg", writes=("graphs.index.jsonl", "graphs.safetensors")),
        "mermaid": Export(opener="mermaid:open_mermaid", writes=("graphs.md",)),
        "trl-sft": Export(opener="trainers:open_sft", writes=("trl-sft.jsonl",)),
        "trl-dpo": Export(opener="trainers:open_dpo", writes=("trl-dpo.jsonl",)),
        "kto": Export(opener="trainers:open_kto", writes=("kto.jsonl",)),
    }
)
"""The formats beside `graphs.jsonl`, which is always written and stays the truth."""
