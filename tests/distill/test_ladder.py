import gc
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS
from magdi_cli.core.records import write_records
from magdi_cli.distill.encoding.material import read_material
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.leaving.results import LadderResult
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.lesson import Lesson, prepare
from magdi_cli.distill.stage import run
from magdi_cli.distill.student.loading import load_tokenizer
from magdi_cli.distill.student.student import Student
from magdi_cli.engines.weights import resolve_model
from tests.commands import magdi
from tests.distill.graphs import graph
from tests.reports import Heard, StoppedAfter

GRAPHS = tuple(graph(verdicts, number=n) for n, verdicts in enumerate([["-++", "+-+"], ["+-+", "++-"]] * 3, start=1))
"""cyd is always right alone, ada and bob half of the time."""
Prepare = Callable[..., tuple[Lesson, ...]]
FIVE_LEVELS = [
    *("single-teacher", "single-teacher--ada", "single-teacher--bob"),
    *("round-0", "correct-nodes", "all-nodes", "graph"),
]


@pytest.fixture
def climb(tiny: Path, tmp_path: Path) -> Callable[..., Any]:
    def climb(report: Heard | None = None, graphs: tuple[InteractionGraph, ...] = GRAPHS, **settings: Any) -> Any:
        write_records(tmp_path / "graphs" / "graphs.jsonl", graphs)
        settings = {"max_steps": 2, "batch_size": 3, "run_dir": tmp_path} | settings
        return run(DistillConfig(student=str(tiny), **settings), report or Heard())

    return climb


@pytest.fixture
def lessons(tiny: Path, tmp_path: Path) -> Prepare:
    """What a config would train."""

    def lessons(graphs: tuple[InteractionGraph, ...] = GRAPHS, report: Heard | None = None, **settings: Any) -> Any:
        write_records(tmp_path / "graphs" / "graphs.jsonl", graphs)
        return prepare(DistillConfig(run_dir=tmp_path, student=str(tiny), **settings), report or Heard())

    return lessons


def learned(student: Path) -> tuple[bytes, ...]:
    return tuple((student / f).read_bytes() for f in ("adapter_model.safetensors", "magdi_heads.safetensors"))


class CountingStudents(Heard):
    """A report that counts how many students are in memory whenever a training begins."""

    def __init__(self) -> None:
        super().__init__()
        self.in_memory: list[int] = []
        gc.collect()

    def progress(self, label: str, total: int | None, status: Callable[[], str] = str) -> Any:
        self.in_memory.append(sum(type(thing) is Student for thing in gc.get_objects()))
        return super().progress(label, total, status)


def test_a_ladder_trains_every_level_and_a_single_teacher_of_every_seat(
    climb: Callable[..., LadderResult], tmp_path: Path
) -> None:
    report = CountingStudents()
    result = climb(report, ladder="single-teacher..graph")
    assert [row.student for row in result.rungs] == FIVE_LEVELS
    assert [row.teacher for row in result.rungs] == ["cyd", "ada", "bob", *["all"] * 4]
    assert sorted(path.name for path in (tmp_path / "students").iterdir()) == sorted(FIVE_LEVELS)
    for row in result.rungs:
        assert (row.steps, set(row.losses)) == (2, {"loss", *active(LEVELS[row.level])})
        assert json.loads((result.folder / row.student / "manifest.json").read_text())["kind"] == "student"
    assert report.told == [f"student {n} of 7: {name}" for n, name in enumerate(FIVE_LEVELS, start=1)]
    assert len(report.in_memory) == 7
    assert len(set(report.in_memory)) == 1


def test_a_rung_is_the_student_that_its_level_makes_alone(climb: Callable[..., Any], tmp_path: Path) -> None:
    alone = climb(level="all-nodes", seed=1).folder
    ladder = tmp_path / "ladder"
    write_records(ladder / "graphs" / "graphs.jsonl", GRAPHS)
    result = climb(run_dir=ladder, ladder="round-0,all-nodes", seeds=2)
    names = ["round-0", "round-0--seed-1", "all-nodes", "all-nodes--seed-1"]
    assert [row.student for row in result.rungs] == names
    assert learned(result.folder / "all-nodes--seed-1") == learned(alone)
    assert learned(result.folder / "all-nodes") != learned(alone)


def test_a_ladder_stopped_in_the_middle_goes_on_there_and_ends_the_same(
    climb: Callable[..., LadderResult], tmp_path: Path
) -> None:
    straight = climb(ladder="single-teacher,round-0", teacher="cyd").folder
    stopped = tmp_path / "stopped"
    write_records(stopped / "graphs" / "graphs.jsonl", GRAPHS)
    with pytest.raises(KeyboardInterrupt):
        climb(StoppedAfter(2 + 1), run_dir=stopped, ladder="single-teacher,round-0", teacher="cyd")
    report = Heard()
    climb(report, run_dir=stopped, ladder="single-teacher,round-0", teacher="cyd")
    assert report.told == [
        "student 1 of 2: single-teacher",
        f"{stopped / 'students' / 'single-teacher'} is complete; delete it to train again",
        "student 2 of 2: round-0",
        "continuing from checkpoint-1 of 2 steps",
    ]
    for level in ("single-teacher", "round-0"):
        assert learned(stopped / "students" / level) == learned(straight / level)


class Counting:
    """A tokenizer that counts how often it reads each text."""

    def __init__(self, tokenizer: Any) -> None:
        self.read: Counter[str] = Counter()
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, texts: list[str], **options: Any) -> Any:
        self.read.update(texts)
        return self._tokenizer(texts, **options)

    def apply_chat_template(self, messages: list[dict[str, str]], **options: Any) -> Any:
        self.read.update(message["content"] for message in messages)
        return self._tokenizer.apply_chat_template(messages, **options)


def test_a_ladder_tokenizes_every_text_once_and_each_rung_as_if_alone(tiny: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "graphs" / "graphs.jsonl", GRAPHS)
    settings = DistillConfig(run_dir=tmp_path, student=str(tiny), ladder="single-teacher..graph", seeds=2)
    load = partial(load_tokenizer, resolve_model(str(tiny)))
    counting = Counting(load())
    shared = CachedTokenizer(lambda: counting)
    for lesson in prepare(settings, Heard()):
        alone = read_material(lesson, CachedTokenizer(load), Heard())
        assert read_material(lesson, shared, Heard()) == alone
    prompts, texts = len(GRAPHS), len({text for item in alone.items for text in item.example.texts})
    assert alone.counts["nodes"] == texts == 36
    assert Counter(counting.read.values()) == {1: prompts + texts}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["graph"]),
        ({"level": "sit"}, ["single-teacher"]),
        ({"level": "sit", "teacher": "ada"}, ["single-teacher"]),
        ({"level": "sit", "teacher": "all"}, FIVE_LEVELS[:3]),
        ({"level": "sit", "seeds": 2}, ["single-teacher", "single-teacher--seed-1"]),
        ({"ladder": "sit,r0", "teacher": "ada"}, ["single-teacher", "round-0"]),
        ({"ladder": "graph, r0"}, ["round-0", "graph"]),
        ({"ladder": "cn..cn"}, ["correct-nodes"]),
        ({"level": "graph", "seeds": 2, "seed": 5}, ["graph", "graph--seed-6"]),
        (
            {"ladder": "sit..r0", "seeds": 2},
            [
                *FIVE_LEVELS[:4],
                *("single-teacher--seed-1", "single-teacher--ada--seed-1", "single-teacher--bob--seed-1"),
                "round-0--seed-1",
            ],
        ),
    ],
)
def test_a_students_name_tells_its_level_seat_and_seed(
    lessons: Prepare, settings: dict[str, Any], expected: list[str]
) -> None:
    assert [lesson.rung.name for lesson in lessons(**settings)] == expected


def test_a_seats_name_makes_one_folder_whatever_is_in_it(lessons: Prepare) -> None:
    seat = "openai/gpt-4o"
    renamed = tuple(
        replace(g, nodes=tuple(replace(node, agent=seat if node.agent == "ada" else node.agent) for node in g.nodes))
        for g in GRAPHS
    )
    names = [lesson.rung.name for lesson in lessons(renamed, level="sit", teacher="all")]
    assert names == ["single-teacher", "single-teacher--openai%2Fgpt-4o", "single-teacher--bob"]


def test_a_weight_reaches_the_rungs_that_have_its_objective(lessons: Prepare) -> None:
    trained = lessons(ladder="correct-nodes..graph", weight=("margin=0.5", "node=0"))
    assert [dict(lesson.level.objectives) for lesson in trained] == [
        {"next-token": 1.0},
        {"next-token": 1.0, "margin": 0.5},
        {"next-token": 1.0, "margin": 0.5, "node": 0.0, "flip": 0.0},
    ]
    assert [lesson.config.weight for lesson in trained] == [(), ("margin=0.5",), ("margin=0.5", "node=0")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ladder": "r0..cn", "level": "graph"}, "--level graph and --ladder r0..cn both say"),
        ({"ladder": "graph..r0"}, "leads down; turn it round: r0..graph"),
        ({"ladder": "r0..grpah"}, "no level named 'grpah'; close: graph"),
        ({"ladder": ""}, "no level named ''"),
        ({"ladder": "r0..cn", "weight": ("margin=1",)}, "has no margin objective"),
        ({"ladder": "r0..cn", "weight": ("next-token=0",)}, "nothing to train"),
        ({"ladder": "r0..cn", "teacher": "ada"}, "--teacher belongs to single-teacher"),
        ({"level": "graph", "teacher": "all"}, "--teacher belongs to single-teacher"),
        ({"ladder": "sit..cn", "teacher": "adda"}, "no teacher named 'adda'; close: ada"),
    ],
)
def test_a_ladder_that_leads_nowhere_is_refused(lessons: Prepare, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        lessons(**settings)


def test_a_seat_that_was_never_right_alone_gets_no_student(lessons: Prepare) -> None:
    report = Heard()
    made = lessons((graph(["+-+", "+++"]),), report, level="sit", teacher="all")
    assert [lesson.rung.teacher for lesson in made] == ["ada", "cyd"]
    assert report.warnings == ["bob was never right alone; no single-teacher student learns from it"]


def test_a_rung_without_material_stops_the_ladder_before_its_first_step(
    climb: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(DataProblem, match="level all-nodes needs incorrect nodes"):
        climb(graphs=(graph(["+++"]),), ladder="round-0..graph")
    assert not (tmp_path / "students").exists()


def test_a_rung_whose_folder_is_taken_stops_the_ladder_before_its_first_step(
    climb: Callable[..., Any], tmp_path: Path
) -> None:
    climb(level="correct-nodes", learning_rate=0.1)
    with pytest.raises(DataProblem, match=r"correct-nodes was written with other settings \(learning_rate: 0.1 there"):
        climb(ladder="round-0..correct-nodes")
    assert [path.name for path in (tmp_path / "students").iterdir()] == ["correct-nodes"]


def test_magdi_distill_climbs_a_ladder_and_tells_its_rungs_and_steps(tiny: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "graphs.jsonl", GRAPHS)
    settings = ("--student", str(tiny), "--max-steps", "1", "--run-dir", "run", "--json")
    done = magdi("distill", "graphs.jsonl", "--ladder", "cn..an", *settings, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["schema"] == "magdi.ladder-result/1"
    assert [row["student"] for row in told["rungs"]] == ["correct-nodes", "all-nodes"]
    assert [(step["lower"], step["upper"]) for step in told["steps_up"]] == [("correct-nodes", "all-nodes")]
    assert "student 2 of 2: all-nodes" in done.stderr
