import json
from pathlib import Path
from typing import Any

from hypothesis import given

from magdi_cli.build_graph.importing.found import Faulty, Imported
from magdi_cli.build_graph.importing.magdi import debates
from magdi_cli.core.debate import Debate
from magdi_cli.core.records import encode
from tests.build_graph.importing.lines_of import found_in
from tests.debates import RING
from tests.strategies import debates as some_debates


@given(some_debates())
def test_our_own_debates_are_read_as_they_are(tmp_path_factory: Any, debate: Debate) -> None:
    path = tmp_path_factory.mktemp("own") / "debates.jsonl"
    path.write_bytes(encode(debate))
    assert found_in(debates, path) == [Imported(debate=debate, where=f"{path}:1", lines=(encode(debate),))]


def broken(path: Path, **changes: Any) -> Faulty:
    record = json.loads(encode(RING))
    for place, value in changes.items():
        if place.startswith("turn"):
            record["turns"][int(place[4:])] |= value
        else:
            record[place] = value
    path.write_text(json.dumps(record))
    (found,) = found_in(debates, path)
    assert isinstance(found, Faulty)
    return found


def test_all_that_is_wrong_with_a_line_is_told(tmp_path: Path) -> None:
    found = broken(
        tmp_path / "d.jsonl",
        agents=["ada", "ada", "ben", "cyd"],
        turn0={"parents": [4]},
        turn1={"parents": [77]},
        turn2={"text": " ", "answer": None},
        turn6={"parents": []},
    )
    assert found.problem == "plums"
    assert list(found.faults) == [
        "ada has two seats",
        "dan speaks, but has no seat",
        "ben@0 heard turn 77, which does not exist; there are 8",
        "cycle ada@0 -> ada@1 -> ada@0",
        "cyd@0 has neither text nor answer",
        "cyd@1 heard nobody, though round 0 spoke",
    ]


def test_unknown_keys_and_a_bad_shape_are_both_told(tmp_path: Path) -> None:
    found = broken(tmp_path / "d.jsonl", oops=1, turn0={"parents": [4]})
    assert list(found.faults) == ["oops: unknown key", "cycle ada@0 -> ada@1 -> ada@0"]


def test_every_bad_field_is_told(tmp_path: Path) -> None:
    found = broken(tmp_path / "d.jsonl", turn0={"round": "zero"}, turn2={"text": 7}, stopped="never")
    assert len(found.faults) == 3
    assert any(fault.startswith("turns.0.round: ") for fault in found.faults)
