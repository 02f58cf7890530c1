"""The layouts that can be imported."""

from collections.abc import Mapping
from types import MappingProxyType

from magdi_cli.build_graph.importing import magdi, messages, reference, traces
from magdi_cli.build_graph.importing.found import Importer

IMPORTERS: Mapping[str, Importer] = MappingProxyType(
    {
        "magdi": magdi.debates,
        "magdi-reference": reference.debates,
        "traces": traces.debates,
        "messages": messages.debates,
    }
)
"""By the name of `--from`."""
