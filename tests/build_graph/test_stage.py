from pathlib import Path

import pytest

from magdi_cli.build_graph.stage import run
from magdi_cli.core.config import BuildGraphConfig
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer
from magdi_cli.core.records import encode, read_records
from tests.reports import Heard
from tests.strategies import problem


def debate(id: str = "p1") -> Debate:
    turns = (
        Turn(agent="a", round=0, text="four", answer=Answer("4"), confidence=0.9),
        Turn(agent="b", round=0, text="five", answer=Answer("5"), confidence=0.2),
        Turn(agent="a", round=1, text="still four", answer=Answer("4.0"), confidence=0.9, parents=(0, 1)),
        Turn(agent="b", round=1, text="hm", answer=None, confidence=None, parents=(0, 1)),
    )
    return Debate(problem=problem(id=id), agents=("a", "b"), turns=turns, stopped="rounds", answer=Answer("4"))


def config(folder: Path, *lines: bytes, **settings: str) -> BuildGraphConfig:
    path = folder / "mine.jsonl"
    path.write_bytes(b"".join(lines))
    return BuildGraphConfig(run_dir=folder / "run", debates=path, **settings)  # type: ignore[arg-type]


def test_graphs_are_labelled_counted_and_streamed(tmp_path: Path) -> None:
    streamed: list[bytes] = []
    summary = run(config(tmp_path, encode(debate()), encode(debate("p2"))), Heard(), streamed.append)
    path = tmp_path / "run" / "graphs" / "graphs.jsonl"
    assert path.read_bytes() == b"".join(streamed)
    graphs = list(read_records(path, InteractionGraph))
    assert [node.correct for node in graphs[0].nodes] == [True, False, True, False]
    assert (summary.graphs, summary.nodes, summary.edges, summary.correct) == (2, 8, 8, 4)
    assert [(r.nodes, r.correct, r.unanswered) for r in summary.rounds] == [(4, 2, 0), (4, 2, 2)]
    assert (path.parent / "manifest.json").exists()


CYCLE = encode(debate()).replace(b'"parents":[]', b'"parents":[2]', 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (CYCLE, "mine.jsonl:2: problem 'p1': turn 0 of round 0 heard turn 2 of round 1 \\(a cycle\\)"),
        (b'{"schema":\n', "mine.jsonl:2: Invalid JSON"),
        (encode(debate("p9")).replace(b"four", b"\x00\xff"), "mine.jsonl:2: Invalid JSON"),
        (encode(debate("p0")), "mine.jsonl:2: problem 'p0' was debated on an earlier line already"),
    ],
)
def test_a_faulty_debate_stops_everything_and_leaves_the_old_graphs(tmp_path: Path, line: bytes, said: str) -> None:
    run(config(tmp_path, encode(debate("old"))), Heard(), lambda _: None)
    before = (tmp_path / "run" / "graphs" / "graphs.jsonl").read_bytes()
    with pytest.raises(DataProblem, match=f"{said}.*; --on-invalid drop leaves such debates out"):
        run(config(tmp_path, encode(debate("p0")), line), Heard(), lambda _: None)
    assert (tmp_path / "run" / "graphs" / "graphs.jsonl").read_bytes() == before
    assert [p.name for p in (tmp_path / "run" / "graphs").glob("*.partial")] == []


def test_faulty_debates_can_be_dropped_and_are_counted(tmp_path: Path) -> None:
    heard = Heard()
    summary = run(config(tmp_path, encode(debate("p0")), CYCLE, on_invalid="drop"), heard, lambda _: None)
    assert (summary.graphs, summary.dropped) == (1, 1)
    assert "a cycle" in heard.warnings[0]


def test_no_debates_are_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"no debates in .*; run magdi debate first"):
        run(BuildGraphConfig(run_dir=tmp_path), Heard(), lambda _: None)
    with pytest.raises(DataProblem, match=r"no debates in .*mine"):
        run(config(tmp_path), Heard(), lambda _: None)
