"""What `magdi distill` shows before it trains, as a page of 80 columns without colour."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from magdi_cli.cli.harmless import harmless_document
from magdi_cli.cli.training import view
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.records import encode, write_records
from magdi_cli.distill.stage import run
from tests.distill.graphs import graph
from tests.golden.goldens import check
from tests.reports import Heard
from tests.tiny_student import build

HOSTILE = "I say: \x1b[2Jno.\n\nSix is €6, [red]not[/red] \u202eseven."


def shown(folder: Path, *, colours: bool = False, **look: Any) -> str:
    texts = ["We add 1 and 1.", HOSTILE, "We add 1 and 1."]
    write_records(folder / "graphs" / "graphs.jsonl", [graph(["+-+"], texts=texts)])
    student = build(folder / "tiny")
    document: Any = harmless_document(
        json.loads(encode(run(DistillConfig(run_dir=folder, student=str(student), **look), Heard())))
    )
    console = Console(width=80, force_terminal=colours, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(view(document, 80))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def test_the_first_graph_with_its_labels(tmp_path: Path) -> None:
    page = shown(tmp_path, dry_run=True)
    check("views/first-graph.txt", page[page.index("First graph") :])
    assert not set(page) & set("\x1b\u202e")
    assert max(map(len, page.splitlines())) <= 80


def test_colour_says_nothing_that_words_do_not(tmp_path: Path) -> None:
    plain, coloured = (shown(tmp_path, dry_run=True, colours=colours) for colours in (False, True))
    assert "\x1b[32mW\x1b[0m\x1b[2m│" in coloured
    assert plain.count("learned") == coloured.count("learned")
    assert (plain.count("all learned"), plain.count("read, not learned")) == (1, 2)


def test_an_exact_zero_is_shown_as_such(tmp_path: Path) -> None:
    page = shown(tmp_path, check_gradients=True, graph_features="frozen")
    (node,) = (line for line in page.splitlines() if line.startswith("│ node "))
    assert [cell.strip() for cell in node.split("│")[3:6]] == ["0", "0", "0"]
    assert "frozen: node does not reach the adapter." in page
