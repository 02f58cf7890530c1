"""The variants of the protocol, as users switch them on; teachers are simulated or real servers on loopback."""

import json
from pathlib import Path

import pytest

from magdi_cli.core.debate import Debate
from tests.commands import magdi
from tests.files import debates_held
from tests.loopback import serving

PANEL = "ada=sim?accuracy=0.8,ben=sim?accuracy=0.5,cy=sim?accuracy=0.4,dee=sim?accuracy=0.3"


def debate(folder: Path, *more: str, teachers: str = PANEL) -> list[Debate]:
    magdi("debate", "--task", "arithmetic", "--limit", "8", "--teachers", teachers, *more, cwd=folder)
    return debates_held(folder)


def test_a_star_of_four_seats_shows_each_the_first(tmp_path: Path) -> None:
    for each in debate(tmp_path, "--topology", "star", "--stop", "never", "--rounds", "1"):
        assert [turn.parents for turn in each.turns[4:]] == [(0, 1, 2, 3), (0, 1), (0, 2), (0, 3)]


def test_a_stable_debate_is_shorter_and_says_why_it_ended(tmp_path: Path) -> None:
    stops = {each.stopped for each in debate(tmp_path, "--stop", "stable", "--aggregate", "majority")}
    assert "stable" in stops


def test_a_judge_has_the_last_word_in_the_record_and_in_show(tmp_path: Path) -> None:
    judged = [each for each in debate(tmp_path, "--aggregate", "judge:ben", "--rounds", "0") if each.verdict]
    assert judged
    for each in judged:
        assert each.turns[-1].agent == "ben"
        assert each.answer == each.turns[-1].answer
    shown = magdi("show", "runs/default", judged[0].problem.id, cwd=tmp_path).stdout
    assert "verdict" in shown


def test_a_judge_without_a_seat_is_refused_before_any_call(tmp_path: Path) -> None:
    command = ["debate", "--task", "arithmetic", "--teachers", PANEL, "--aggregate", "judge:eve"]
    done = magdi(*command, cwd=tmp_path, code=2)
    assert "no seat to judge named 'eve'; close: dee" in done.stderr
    assert not (tmp_path / "runs").exists()


SEATS = """
[[seat]]
name = "ada"
model = "hosted_vllm/toy"
api_base = "{base}"
temperature = 0.1
persona = "You are Ada, and you doubt."
[[seat]]
name = "ben"
model = "hosted_vllm/toy"
api_base = "{base}"
temperature = 0.9
"""
DEMOS = [
    {"question": "What is 1 + 1?", "answer": "2", "rationale": "One and one make two.", "seat": "ben"},
    {"question": "What is 2 + 3?", "answer": "5", "rationale": "Two and three make five."},
]


def answering(_: str) -> str:
    return json.dumps({"reasoning": "so", "answer": "4", "confidence_level": 0.9})


def test_seats_prompts_and_worked_examples_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "What is 2 + 2?", "answer": "4"}\n')
    (tmp_path / "demos.jsonl").write_text("".join(json.dumps(row) + "\n" for row in DEMOS))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "question.j2").write_text("QUESTION FOLLOWS: {{ question }}")
    command = ["debate", "mine.jsonl", "--teachers-file", "seats.toml", "--demos", "demos.jsonl", "--prompts", "own"]
    with serving(answering) as server:
        (tmp_path / "seats.toml").write_text(SEATS.format(base=server.api_base))
        magdi(*command, cwd=tmp_path)
        (tmp_path / "own" / "question.j2").write_text("Q: {{ question }}")
        refused = magdi(*command, cwd=tmp_path, code=3)
    calls = [json.loads(line) for line in (tmp_path / "runs/default/debates/calls.jsonl").read_text().splitlines()]
    by_seat = {call["agent"]: call for call in calls}
    ada, ben = by_seat["ada"], by_seat["ben"]
    assert ada["messages"][0] == {"role": "system", "content": "You are Ada, and you doubt."}
    assert [message["role"] for message in ben["messages"]] == ["user"]
    assert "QUESTION FOLLOWS: What is 2 + 2?" in ada["messages"][-1]["content"]
    assert "One and one make two." in ada["messages"][-1]["content"]
    assert "One and one make two." not in ben["messages"][-1]["content"]
    assert "Two and three make five." in ben["messages"][-1]["content"]
    manifest = json.loads((tmp_path / "runs/default/debates/manifest.json").read_text())
    assert {call["prompts"] for call in calls} == {manifest["identity"]["prompts"]}
    assert manifest["identity"]["seats"]["ada"]["persona"] == "You are Ada, and you doubt."
    assert "prompts: " in refused.stderr
    assert "--fork NEWDIR" in refused.stderr


def test_a_debate_past_its_deadline_begins_no_further_call_and_is_made_up_for_later(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "What is 2 + 2?", "answer": "4"}\n')
    with serving(answering, seconds=0.5) as server:
        seats = ",".join(
            f"{name}=hosted_vllm/toy?api_base={server.api_base}&temperature=0.{name == 'b':d}" for name in "ab"
        )
        command = ["debate", "mine.jsonl", "--teachers", seats, "--rounds", "1", "--stop", "never"]
        magdi(*command, "--deadline", "0.3", "--fail-on-error", "1", cwd=tmp_path)
        (late,) = debates_held(tmp_path)
        assert [turn.error is None for turn in late.turns] == [True, True, False, False]
        assert "--deadline" in str(late.turns[2].error)
        assert len(server.prompts) == 2
        magdi(*command, cwd=tmp_path)
        assert len(server.prompts) == 4
    (whole,) = debates_held(tmp_path)
    assert all(turn.error is None for turn in whole.turns)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--concurrency 0", 2, "--concurrency: '0' is neither N nor MIN-MAX"),
        ("--concurrency openai=4", 2, "no provider on this panel for --concurrency named 'openai'"),
        ("--rpm never", 2, "--rpm: 'never' is not a number above 0"),
        ("--topology cube", 2, "cube"),
        ("--prompts nowhere", 2, "--prompts nowhere is no folder"),
        ("--demos none.jsonl", 3, "cannot read none.jsonl"),
        ("--teachers-file none.toml", 2, "--teachers"),
        ("--fork runs/default", 2, "is the run directory itself"),
        ("--fork runs/new", 3, "no calls in runs/default/debates/calls.jsonl"),
        ("--max-cost -1", 2, "--max-cost is -1"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_call(tmp_path: Path, arguments: str, code: int, said: str) -> None:
    command = ["debate", "--task", "arithmetic", "--teachers", PANEL, *arguments.split()]
    done = magdi(*command, cwd=tmp_path, code=code)
    assert said in done.stderr.replace("\n", " ")
    assert not (tmp_path / "runs").exists()
