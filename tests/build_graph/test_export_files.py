import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from magdi_cli.build_graph.exporting import EXPORTS
from magdi_cli.core.graph import InteractionGraph
from tests.build_graph.any_graphs import huge, written
from tests.distill.graphs import graph
from tests.files import snapshot

formats = pytest.mark.parametrize("format_", list(EXPORTS))


def interrupted() -> Iterator[InteractionGraph]:
    yield graph(["++-"], number=7)
    raise KeyboardInterrupt


@formats
def test_a_format_writes_what_it_names_and_nothing_else(format_: str, tmp_path: Path) -> None:
    written(format_, tmp_path, [graph(["+-?", "++-"])])
    assert {path.name for path in tmp_path.iterdir()} == set(EXPORTS[format_].writes)


@formats
def test_no_two_formats_write_the_same_name(format_: str) -> None:
    others = {name for other, export in EXPORTS.items() if other != format_ for name in export.writes}
    assert not others & {*EXPORTS[format_].writes, "graphs.jsonl"}


@formats
def test_an_export_that_breaks_off_leaves_nothing(format_: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        written(format_, tmp_path, interrupted())
    assert list(tmp_path.iterdir()) == []


@formats
def test_an_export_that_breaks_off_leaves_the_older_one(format_: str, tmp_path: Path) -> None:
    written(format_, tmp_path, [graph(["+-?"])])
    before = snapshot(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        written(format_, tmp_path, interrupted())
    assert snapshot(tmp_path) == before


@formats
def test_an_export_takes_the_place_of_the_older_one_whole(format_: str, tmp_path: Path) -> None:
    written(format_, tmp_path / "again", [graph(["+-?"], number=1), graph(["--+"], number=2)])
    written(format_, tmp_path / "again", [graph(["++-"], number=3)])
    written(format_, tmp_path / "once", [graph(["++-"], number=3)])
    assert snapshot(tmp_path / "again") == snapshot(tmp_path / "once")


@formats
def test_no_graphs_make_a_well_formed_nothing(format_: str, tmp_path: Path) -> None:
    written(format_, tmp_path, [])
    assert {path.name for path in tmp_path.iterdir()} == set(EXPORTS[format_].writes)


@formats
def test_the_same_graphs_make_the_same_bytes(format_: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(format_, tmp_path / name, [graph(["+-?", "++-"]), huge()])
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")


def test_listing_the_formats_imports_none_of_their_libraries() -> None:
    program = "import sys, magdi_cli.build_graph.exporting; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"networkx", "numpy", "torch", "safetensors", "pydantic"} & set(done.stdout.split())
