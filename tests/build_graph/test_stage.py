import json
import random
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magdi_cli.build_graph.files import DISAGREEMENTS, QUARANTINE, VALIDATION
from magdi_cli.build_graph.stage import run
from magdi_cli.core.artifact import GRAPHS
from magdi_cli.core.config import BuildGraphConfig
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.errors import DataProblem, EnvironmentProblem, UnknownName, UsageProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer
from magdi_cli.core.records import encode, read_records
from tests.reports import Heard
from tests.strategies import debates, problem


def debate(id: str = "p1", question: str | None = None) -> Debate:
    turns = (
        Turn(agent="a", round=0, text="four", answer=Answer("4"), confidence=0.9),
        Turn(agent="b", round=0, text="five", answer=Answer("5"), confidence=0.2),
        Turn(agent="a", round=1, text="still four", answer=Answer("4.0"), confidence=0.9, parents=(0, 1)),
        Turn(agent="b", round=1, text="hm", answer=None, confidence=None, parents=(0, 1)),
    )
    about = replace(problem(id=id), **({} if question is None else {"question": question}))
    return Debate(problem=about, agents=("a", "b"), turns=turns, stopped="rounds", answer=Answer("4"))


def config(folder: Path, *lines: bytes, **settings: Any) -> BuildGraphConfig:
    path = folder / "mine.jsonl"
    path.write_bytes(b"".join(lines))
    return BuildGraphConfig(**({"run_dir": folder / "run", "debates": (path,)} | settings))


def built(folder: Path, name: str = GRAPHS) -> list[InteractionGraph]:
    return list(read_records(folder / "run" / "graphs" / name, InteractionGraph))


def quiet(config: BuildGraphConfig) -> Any:
    return run(config, Heard(), lambda _: None)


def test_graphs_are_labelled_counted_and_streamed(tmp_path: Path) -> None:
    streamed: list[bytes] = []
    summary = run(config(tmp_path, encode(debate()), encode(debate("p2"))), Heard(), streamed.append)
    path = tmp_path / "run" / "graphs" / GRAPHS
    assert path.read_bytes() == b"".join(streamed)
    assert [node.correct for node in built(tmp_path)[0].nodes] == [True, False, True, False]
    statistics = summary.statistics
    assert (summary.graphs, statistics.nodes, statistics.edges, statistics.correct) == (2, 8, 8, 4)
    assert [(r.nodes, r.correct, r.unanswered) for r in statistics.rounds] == [(4, 2, 0), (4, 2, 2)]
    manifest = json.loads((path.parent / "manifest.json").read_bytes())
    assert manifest["counts"]["nodes"] == 8
    assert manifest["config"]["from"] == "magdi"


def test_several_files_and_folders_are_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "run" / "debates").mkdir(parents=True)
    (tmp_path / "run" / "debates" / "debates.jsonl").write_bytes(encode(debate("p2")))
    paths = (tmp_path / "mine.jsonl", tmp_path / "run" / "debates")
    summary = quiet(config(tmp_path, encode(debate("p1")), debates=paths))
    assert [graph.problem.id for graph in built(tmp_path)] == ["p1", "p2"]
    assert summary.graphs == 2
    assert quiet(BuildGraphConfig(run_dir=tmp_path / "run")).graphs == 1


def changed(debate: Debate, **turn: Any) -> bytes:
    """The debate's line with other values in its first turn."""
    record = json.loads(encode(debate))
    record["turns"][0] |= turn
    return json.dumps(record).encode() + b"\n"


CYCLE = changed(debate(), parents=[2])
FAULTY = [
    (CYCLE, "mine.jsonl:2: problem 'p1': cycle a@0 -> a@1 -> a@0"),
    (b'{"schema":\n', "mine.jsonl:2: not JSON"),
    (b"\xff\n", "mine.jsonl:2: not UTF-8"),
    (encode(debate("p9")).replace(b"four", b"\x00"), "mine.jsonl:2: it holds a NUL byte"),
    (encode(debate("p0")), r"mine.jsonl:2: problem 'p0': the id repeats that of .*mine.jsonl:1"),
    (encode(debate("p9"))[:90] + b"\n", "mine.jsonl:2: not JSON"),
    (b'{"oops":1}\n', "mine.jsonl:2: oops: unknown key"),
    (changed(debate("p9"), agent="n" * 10_000_000), r"problem 'p9': n{60}\.\.\. speaks, but has no seat"),
    (b'{"a":' * 100_000 + b"\n", "mine.jsonl:2: not JSON .nested too deeply"),
]


@pytest.mark.parametrize(("line", "said"), FAULTY)
def test_a_faulty_debate_stops_everything_and_leaves_the_old_graphs(tmp_path: Path, line: bytes, said: str) -> None:
    quiet(config(tmp_path, encode(debate("old"))))
    folder = tmp_path / "run" / "graphs"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DataProblem, match=f"(?s){said}.*; --on-invalid drop leaves such debates out, quarantine keeps"):
        quiet(config(tmp_path, encode(debate("p0")), line))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_first_run_that_fails_leaves_no_artifact(tmp_path: Path) -> None:
    with pytest.raises(DataProblem):
        quiet(config(tmp_path, CYCLE))
    assert not (tmp_path / "run" / "graphs").exists()


def test_every_fault_of_all_files_is_told_up_to_twenty(tmp_path: Path) -> None:
    with pytest.raises(DataProblem) as caught:
        quiet(config(tmp_path, *[changed(debate(f"p{n}"), parents=[2]) for n in range(30)]))
    told = str(caught.value).splitlines()
    assert [f"problem 'p{n}'" in told[n] for n in range(20)] == [True] * 20
    assert told[20].startswith("and 10 more faults; ")


def test_after_a_fault_nothing_more_is_streamed(tmp_path: Path) -> None:
    streamed: list[bytes] = []
    with pytest.raises(DataProblem):
        run(config(tmp_path, encode(debate("p0")), CYCLE, encode(debate("p2"))), Heard(), streamed.append)
    assert len(streamed) == 1


def test_faulty_debates_can_be_dropped_and_are_counted(tmp_path: Path) -> None:
    heard = Heard()
    summary = run(config(tmp_path, encode(debate("p0")), CYCLE, on_invalid="drop"), heard, lambda _: None)
    assert (summary.graphs, summary.refused) == (1, 1)
    assert "cycle a@0 -> a@1 -> a@0" in heard.warnings[0]
    assert not (tmp_path / "run" / "graphs" / QUARANTINE).exists()


def test_faulty_debates_can_be_kept_beside_the_graphs_with_all_reasons(tmp_path: Path) -> None:
    lines = [line for line, _ in FAULTY if len(line) < 10_000] + [encode(debate("fine"))]
    summary = quiet(config(tmp_path, *lines, on_invalid="quarantine"))
    kept = [json.loads(line) for line in (tmp_path / "run" / "graphs" / QUARANTINE).read_bytes().splitlines()]
    assert (summary.graphs, summary.refused, len(kept)) == (2, len(lines) - 2, len(lines) - 2)
    assert kept[0]["schema"] == "magdi.quarantine/1"
    assert kept[0]["problem"] == "p1"
    assert kept[0]["faults"] == ["cycle a@0 -> a@1 -> a@0"]
    assert kept[0]["line"].encode() + b"\n" == CYCLE
    assert kept[2]["line"] == "\\xff"


def test_a_text_of_ten_megabytes_passes(tmp_path: Path) -> None:
    quiet(config(tmp_path, changed(debate(), text="x" * 10_000_000)))
    assert len(built(tmp_path)[0].nodes[0].text) == 10_000_000


@settings(max_examples=20)
@given(some=st.lists(debates(), min_size=1, max_size=8, unique_by=lambda d: d.problem.id), seed=st.integers())
def test_ids_and_labels_do_not_depend_on_the_order_or_number_of_the_lines(
    tmp_path_factory: pytest.TempPathFactory, some: list[Debate], seed: int
) -> None:
    spoken = [d for d in some if any(turn.error is None for turn in d.turns)]
    if not spoken:
        return
    folder = tmp_path_factory.mktemp("runs")
    lines = [encode(made) for made in spoken]
    made = []
    for order in (lines, random.Random(seed).sample(lines, len(lines)), lines[: len(lines) // 2 + 1]):
        try:
            quiet(config(folder, *order, on_invalid="drop"))
        except DataProblem:
            return  # none of them was valid
        made.append({graph.problem.id: graph for graph in built(folder)})
    assert made[0] == made[1]
    assert made[2].items() <= made[0].items()
    for graph in made[0].values():
        assert all(graph.nodes[start].round < graph.nodes[end].round for start, end in graph.edges)
    counts = {d.problem.id: sum(turn.error is None for turn in d.turns) for d in spoken}
    assert all(len(graph.nodes) == counts[id] for id, graph in made[0].items())


def test_validation_questions_go_into_a_file_of_their_own(tmp_path: Path) -> None:
    streamed: list[bytes] = []
    lines = [encode(debate(f"p{n}", f"Is {n} prime?")) for n in range(60)]
    summary = run(config(tmp_path, *lines, val=0.3), Heard(), streamed.append)
    train, validation = built(tmp_path), built(tmp_path, VALIDATION)
    assert (summary.graphs, summary.validation) == (len(train), len(validation))
    assert len(train) + len(validation) == 60
    assert 6 <= len(validation) <= 30
    assert len(streamed) == summary.statistics.graphs == len(train)


def test_excluded_questions_are_left_out_with_counts(tmp_path: Path) -> None:
    test = tmp_path / "test.jsonl"
    test.write_text('{"question": "is 7 PRIME"}\n')
    lines = [encode(debate(f"p{n}", f"Is {n} prime?")) for n in range(9)]
    summary = quiet(config(tmp_path, *lines, exclude=(test,)))
    assert (summary.graphs, summary.excluded[0].exact, summary.excluded[0].near) == (8, 1, 0)
    assert "p7" not in {graph.problem.id for graph in built(tmp_path)}


def test_formats_stand_beside_the_graphs_and_nothing_stale_remains(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "graphs"
    lines = [encode(debate(f"p{n}", f"Is {n} prime?")) for n in range(20)]
    quiet(config(tmp_path, CYCLE, *lines, val=0.5, on_invalid="quarantine", format=("jsonl,node-link", "mermaid")))
    assert {path.name for path in folder.iterdir()} == {
        *(GRAPHS, VALIDATION, QUARANTINE, "manifest.json", "node-link.jsonl", "graphs.md")
    }
    (folder / "notes.txt").write_text("mine")
    quiet(config(tmp_path, *lines))
    assert {path.name for path in folder.iterdir()} == {GRAPHS, "manifest.json", "notes.txt"}


def test_the_page_may_stand_beside_the_graphs_and_not_in_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "graphs"
    manifests = []
    for _ in range(2):
        quiet(config(tmp_path, encode(debate()), html=folder / "page.html"))
        manifests.append(json.loads((folder / "manifest.json").read_bytes())["outputs"])
    assert manifests[0] == manifests[1]
    assert [output["name"] for output in manifests[0]] == [GRAPHS, "page.html"]
    for name in (GRAPHS, "manifest.json"):
        with pytest.raises(UsageProblem, match="a file of the graphs themselves"):
            quiet(config(tmp_path, encode(debate()), html=folder / ".." / "graphs" / name))


def test_a_page_that_cannot_be_written_leaves_the_old_graphs(tmp_path: Path) -> None:
    quiet(config(tmp_path, encode(debate("old"))))
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        quiet(config(tmp_path, encode(debate("new")), html=tmp_path / "file" / "page.html"))
    assert [graph.problem.id for graph in built(tmp_path)] == ["old"]
    assert (tmp_path / "run" / "graphs" / "manifest.json").exists()


def test_a_full_disk_is_named_and_leaves_the_old_graphs(tmp_path: Path) -> None:
    quiet(config(tmp_path, encode(debate("old"))))
    lines = [encode(debate(f"new{n}")) for n in range(100)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    wanted = config(tmp_path, *lines)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(EnvironmentProblem, match=r"cannot write .*graphs: .*make room"):
            quiet(wanted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [graph.problem.id for graph in built(tmp_path)] == ["old"]
    assert {path.name for path in (tmp_path / "run" / "graphs").iterdir()} == {GRAPHS, "manifest.json"}


def test_a_second_writer_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    mine = config(tmp_path, encode(debate("mine")))

    def intrude(_line: bytes) -> None:
        with pytest.raises(DataProblem, match="another magdi is writing"):
            quiet(mine)

    assert run(mine, Heard(), intrude).graphs == 1
    assert [graph.problem.id for graph in built(tmp_path)] == ["mine"]
    assert {path.name for path in (tmp_path / "run" / "graphs").iterdir()} == {GRAPHS, "manifest.json"}


def test_disagreements_with_the_source_are_counted_and_listed(tmp_path: Path) -> None:
    outputs = [
        {"model": f"m{n}", "round": 0, "text": "So the answer is 4.", "answer": "4", "correct": n < 5}
        for n in range(40)
    ]
    row = {"qid": "q1", "question": "What is 2 + 2?", "gold": "4", "outputs": outputs}
    summary = quiet(config(tmp_path, json.dumps(row).encode(), from_="traces"))
    assert (summary.disagreements, len(summary.first_disagreements)) == (35, 20)
    first = summary.first_disagreements[0]
    assert (first.problem, first.agent, first.round, first.our_answer, first.their_answer) == ("q1", "m5", 0, "4", "4")
    assert (first.our_verdict, first.their_verdict) == (True, False)
    assert len((tmp_path / "run" / "graphs" / DISAGREEMENTS).read_bytes().splitlines()) == 35


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"val": 1.0}, UsageProblem, "--val is 1.0"),
        ({"format": ("grapml",)}, UnknownName, "close: graphml"),
        ({"from_": "traces", "debates": ()}, UsageProblem, "--from traces needs the files"),
        ({"exclude": (Path("none.jsonl"),)}, DataProblem, "cannot read none.jsonl"),
        ({"exclude": (Path("none.txt"),)}, DataProblem, "known are .jsonl"),
        ({"html": Path("tests")}, UsageProblem, "--html tests is a folder"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        quiet(config(tmp_path, encode(debate()), **settings))
    assert not (tmp_path / "run").exists()


def test_no_debates_are_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match=r"no debates in .*; run magdi debate first"):
        quiet(BuildGraphConfig(run_dir=tmp_path))
    with pytest.raises(DataProblem, match=r"no debates in .*mine"):
        quiet(config(tmp_path))
    with pytest.raises(DataProblem, match=r"no graph is left of the debates in .*mine.jsonl: 1 refused"):
        quiet(config(tmp_path, CYCLE, on_invalid="drop"))
