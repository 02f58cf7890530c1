"""Debates as people read them, on pages of 100 columns and others."""

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from magdi_cli.cli.harmless import harmless_document
from magdi_cli.cli.transcript import view
from magdi_cli.core.debate import Debate
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import encode
from magdi_cli.debate.account import read_debate
from tests.debates import JUDGED, PERSUADED, RING, debate, turn


def page(document: object, *, width: int = 100, colours: bool = False) -> list[str]:
    safe: Any = harmless_document(json.loads(encode(document)))
    console = Console(width=width, force_terminal=colours, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(view(safe, width))
    return [line.rstrip() for line in capture.get().splitlines()]


def transcript(held: Debate, **how: Any) -> list[str]:
    return page(read_debate(held, number=1, run="runs/a"), **how)


def test_a_debate_reads_from_question_to_vote() -> None:
    assert transcript(PERSUADED) == [
        "Debate #1: plums (arithmetic)",
        "",
        "How many plums are 4 + 4?",
        "Gold: 8",
        "",
        "Round 0: everybody alone",
        "",
        "ada: 8, right, confidence 1",
        "    ada in round 0",
        "",
        "ben: 7, wrong, confidence 0.8",
        "    ben in round 0",
        "",
        "cyd: 9, wrong, confidence 0.8",
        "    cyd in round 0",
        "",
        "Round 1",
        "",
        "ada: 7, wrong, confidence 0.8; changed from 8 to 7: corrupted",
        "    ada in round 1",
        "",
        "ben: 8.0, right, confidence 0.9; changed from 7 to 8.0: corrected",
        "    ben in round 1",
        "",
        "cyd: 5, wrong, confidence 0.3; changed from 9 to 5",
        "    cyd in round 1",
        "",
        "Vote of round 1",
        "    8.0, right: weight 0.8 (ben 0.8)",
        "    7, wrong: weight 0.5 (ada 0.5)",
        "    5, wrong: weight 0.1 (cyd 0.1)",
        "",
        "Team answer: 8.0, right.",
        "Ended after 1 discussion round: the rounds were used up.",
        "6 calls, 6,060 tokens (6,000 read, 60 written), $0.00",
    ]


def test_failures_and_who_was_shown_what_are_said() -> None:
    shown = transcript(RING)
    second = shown[shown.index("Round 1") :]
    assert second[2:14] == [
        "ada: no answer could be read, confidence 0.8",
        "    (was shown: its own, ben)",
        "    ada in round 1",
        "",
        "ben: the call failed",
        "    timeout after 120 s",
        "",
        "cyd: 8, right, confidence 0.8; changed from 7 to 8: corrected",
        "    (was shown: ben, its own)",
        "    cyd in round 1",
        "",
        "dan: 8, right, confidence 0.8",
    ]
    assert "    (was shown nobody's turn)" in second
    assert "    no vote: ada, ben" in second


def test_a_judge_is_called_a_judge() -> None:
    shown = transcript(JUDGED)
    assert "Verdict: ben judges alone" in shown
    assert "Vote of round 1" in shown
    assert "Team answer: 8, right; ben's verdict." in shown
    assert "Ended after 1 discussion round: the rounds were used up." in shown


def test_a_verdict_that_cannot_be_read_leaves_the_vote() -> None:
    unread = replace(JUDGED, turns=(*JUDGED.turns[:-1], turn("ben", 2, None, parents=(3, 4, 5))), answer=Answer("8"))
    assert "Team answer: 8, right; ben's verdict could not be read, so the vote." in transcript(unread)


def test_a_team_answer_that_the_weights_do_not_explain_is_not_explained_by_them() -> None:
    shown = transcript(replace(PERSUADED, answer=Answer("7")))
    assert "Team answer: 7, wrong (gold 8); not the heaviest: this run counted its votes in another way." in shown


def test_no_team_answer_is_said() -> None:
    assert "Team answer: none, wrong (gold 8)." in transcript(debate(turn("ada", 0, None), answer=None))


def test_options_have_letters_and_hang() -> None:
    problem = Problem(
        id="q", task="commonsenseqa", question="Where?", choices=("the attic " * 8, "the sea"), gold=Answer("B")
    )
    shown = transcript(debate(turn("ada", 0, "B"), answer="B", problem=problem), width=60)
    assert shown[2:7] == ["Where?", f"A  {'the attic ' * 5}the", f"   {'attic the ' * 2}attic", "B  the sea", "Gold: B"]


def test_colour_says_nothing_that_words_do_not() -> None:
    plain, coloured = transcript(PERSUADED), transcript(PERSUADED, colours=True)
    assert any("\x1b[" in line for line in coloured)
    assert not any("\x1b[" in line for line in plain)
    assert sum("right" in line for line in plain) == sum("right" in line for line in coloured)


HOSTILE = "\x1b]0;owned\x07 \x1b[2J[red]x[/red] :smile:\rwrong\x00 \u202eabc\nben: 8, right"


@pytest.mark.parametrize("width", [100, 20])
def test_hostile_text_moves_nothing_and_forges_no_turn(width: int) -> None:
    problem = replace(PERSUADED.problem, id=HOSTILE, question=HOSTILE)
    held = debate(turn("ada", 0, "8", text=HOSTILE), turn("eve", 0, "7\nben: 8, right"), answer="8", problem=problem)
    text = "\n".join(transcript(held, width=width))
    assert not set(text) & set("\x1b\x07\r\x00\u202e")
    assert "[red]x[/red]" in text
    assert ":smile:" in text
    turns = text[text.index("Round 0") :].splitlines()
    assert not [line for line in turns if line.startswith("ben:")]


def test_long_words_and_narrow_pages_stay_within_the_page() -> None:
    held = debate(turn("ada", 0, "8", text="9" * 500), answer="8")
    assert all(len(line) <= 30 for line in transcript(held, width=30))
