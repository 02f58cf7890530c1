"""What follows from a debate's record."""

from dataclasses import replace

from magdi_cli.core.debate import Debate
from magdi_cli.core.problem import Answer
from magdi_cli.debate.account import changes, read_debate, vote
from tests.debates import JUDGED, PERSUADED, RING, debate, failed, turn


def test_a_change_of_mind_says_from_what_to_what_and_whether_it_helped() -> None:
    assert [(c.agent, c.round, c.before, c.after, c.kind) for c in changes(PERSUADED)] == [
        ("ada", 1, "8", "7", "corrupted"),
        ("ben", 1, "7", "8.0", "corrected"),
        ("cyd", 1, "9", "5", "changed"),
    ]


def test_another_way_to_write_the_same_answer_is_no_change() -> None:
    same = debate(turn("ada", 0, "8"), turn("ada", 1, "8.00", parents=(0,)), answer="8")
    assert list(changes(same)) == []


def test_a_failed_or_unreadable_turn_is_no_change_and_does_not_hide_one() -> None:
    long = debate(turn("ada", 0, "7"), failed("ada", 1), turn("ada", 2, None), turn("ada", 3, "8"), answer="8")
    assert [(c.turn, c.before, c.after) for c in changes(long)] == [(3, "7", "8")]


def test_the_vote_weighs_groups_by_recalibrated_confidence() -> None:
    held = vote(PERSUADED)
    assert [(g.answer, g.agents, g.weight, g.correct, g.team) for g in held.groups] == [
        ("8.0", ("ben",), 0.8, True, True),
        ("7", ("ada",), 0.5, False, False),
        ("5", ("cyd",), 0.1, False, False),
    ]
    assert (held.round, held.judge, held.silent) == (1, None, ())


def test_seats_without_an_answer_are_named_beside_the_vote() -> None:
    held = vote(RING)
    assert [(g.agents, g.weights, g.weight) for g in held.groups] == [(("cyd", "dan"), (0.5, 0.5), 1.0)]
    assert held.silent == ("ada", "ben")


def test_one_seat_speaking_last_is_a_judge_and_the_vote_is_that_of_the_round_before() -> None:
    held = vote(JUDGED)
    assert (held.judge, held.round) == ("ben", 1)
    assert [(g.answer, g.weight, g.team) for g in held.groups] == [("7", 1.0, False), ("8", 1.0, True)]


def test_a_debate_of_one_agent_has_no_judge() -> None:
    assert vote(debate(turn("ada", 0, "8"), turn("ada", 1, "8", parents=(0,)), answer="8")).judge is None


def test_turns_come_to_right_wrong_unreadable_or_failed_and_say_what_they_were_shown() -> None:
    reading = read_debate(RING, number=3, run="runs/a")
    assert [r.outcome for r in reading.readings] == [
        "right", "right", "wrong", "failed", "unreadable", "failed", "right", "right",
    ]  # fmt: skip
    assert [r.shown_all for r in reading.readings] == [True, True, True, True, False, True, False, False]
    assert reading.correct
    assert reading.usage.prompt_tokens == 8000


def test_a_debate_without_turns_or_answers_can_be_read() -> None:
    nothing: Debate = replace(PERSUADED, turns=(), answer=None)
    reading = read_debate(nothing, number=1, run="")
    assert (reading.correct, reading.vote.groups, reading.changes) == (False, (), ())


def test_a_wrong_team_is_wrong() -> None:
    assert not read_debate(replace(PERSUADED, answer=Answer("7")), number=1, run="").correct
