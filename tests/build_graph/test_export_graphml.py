import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.exporting.graphml import GraphMLEntry, file_name
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.printable import printable
from magdi_cli.core.records import read_records
from tests.build_graph.any_graphs import any_graphs, huge, ids, several, written
from tests.distill.graphs import graph


def read_back(graphs: Sequence[InteractionGraph]) -> list[networkx.DiGraph]:
    """What networkx makes of the folder, in the order of its index."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written("graphml", folder, graphs)
        entries = list(read_records(folder / "graphml" / "index.jsonl", GraphMLEntry))
        assert [entry.problem_id for entry in entries] == [each.problem.id for each in graphs]
        assert len(list((folder / "graphml").iterdir())) == len(entries) + 1
        return [networkx.read_graphml(folder / "graphml" / entry.file, node_type=int) for entry in entries]


def plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """What XML can hold of the attributes."""
    return {k: printable(v) if isinstance(v, str) else v for k, v in attributes.items() if v is not None}


@given(several())
def test_every_file_reads_back_as_its_graph(graphs: list[InteractionGraph]) -> None:
    for made, read in zip(graphs, read_back(graphs), strict=True):
        assert set(read.edges) == set(made.edges)
        assert [{k: v for k, v in read.nodes[i].items() if k != "label"} for i in sorted(read)] == [
            plain({k: getattr(node, k) for k in ("agent", "round", "answer", "correct", "text")}) for node in made.nodes
        ]
        expected = {k: getattr(made.problem, k) for k in ("task", "question", "gold")} | {"problem": made.problem.id}
        assert {k: read.graph[k] for k in expected} == plain(expected)


def test_attributes_keep_their_types() -> None:
    (read,) = read_back([graph(["+"])])
    assert {k: type(v) for k, v in read.nodes[0].items()} == {
        "label": str, "agent": str, "round": int, "answer": str, "correct": bool, "text": str
    }  # fmt: skip


def test_a_node_that_gave_no_answer_has_none() -> None:
    (read,) = read_back([graph(["?"])])
    assert "answer" not in read.nodes[0]
    assert read.nodes[0]["label"] == "ada@0: no answer"


@given(any_graphs())
def test_no_file_holds_a_character_that_xml_forbids(made: InteractionGraph) -> None:
    with tempfile.TemporaryDirectory() as name:
        written("graphml", Path(name), [made])
        (path,) = Path(name).glob("graphml/*.graphml")
        content = path.read_text(encoding="utf-8")
        assert not re.search("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", content)
        ElementTree.fromstring(content)


def test_texts_of_a_megabyte_come_back_whole() -> None:
    (read,) = read_back([huge()])
    assert read.nodes[0]["text"] == huge().nodes[0].text


@given(ids)
def test_a_file_name_stays_in_its_folder_and_fits_any_system(problem_id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,80}-[0-9a-f]{12}\.graphml", "x" + file_name(problem_id))
    assert not file_name(problem_id).startswith(".")


@given(st.lists(ids, unique=True))
def test_no_two_problems_share_a_file_even_where_case_is_ignored(problem_ids: list[str]) -> None:
    assert len({file_name(problem_id).casefold() for problem_id in problem_ids}) == len(problem_ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x00b\x1b[0mc\x7f\x9b", "ab[0mc"),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("tab\t日本 🎉 é", "tab\t日本 🎉 é"),
        ("\ufffe\uffffx", "x"),
    ],
)
def test_printable_text_loses_control_characters_only(text: str, expected: str) -> None:
    assert printable(text) == expected
