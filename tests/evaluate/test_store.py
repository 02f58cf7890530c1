import asyncio
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluation import Prediction, Sample
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import encode, read_records
from magdi_cli.evaluate.store import Store
from tests.strategies import problem

PROBLEMS = {f"p{n}": problem(f"p{n}") for n in range(6)}


def predicted(one: Problem, text: str = "4") -> Prediction:
    sample = Sample(text=text, answer=Answer("4"), completion_tokens=1)
    return Prediction(problem=one, samples=(sample,), answer=Answer("4"), correct=True)


class Kept:
    """A store, and all that it told."""

    def __init__(self, path: Path) -> None:
        self.seen: list[Prediction] = []
        self.lines: list[bytes] = []
        self.store = Store(path=path, seen=self.seen.append, emit=self.lines.append)

    def take_up(self, asked: Mapping[str, Problem] = PROBLEMS, known: Mapping[str, Problem] | None = None) -> object:
        return self.store.take_up(asked, lambda: known or {})

    def extend(self, predictions: Sequence[Prediction]) -> None:
        async def come() -> AsyncGenerator[Prediction, None]:
            for prediction in predictions:
                yield prediction

        asyncio.run(self.store.extend(come()))


def ids(path: Path) -> list[str]:
    return [one.problem.id for one in read_records(path, Prediction)]


@given(st.permutations(sorted(PROBLEMS)), st.integers(0, 6), st.integers(0, 200))
def test_a_kill_at_any_byte_loses_at_most_the_line_it_tore(order: list[str], written: int, torn: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.jsonl"
        lines = [encode(predicted(PROBLEMS[one])) for one in order]
        path.write_bytes(b"".join(lines[:written]) + b"".join(lines[written:])[: min(torn, len(lines[0]) - 1)])
        kept = Kept(path)
        kept.take_up()
        assert kept.store.answered == set(order[:written])
        kept.extend([predicted(PROBLEMS[one]) for one in order[written:]])
        kept.store.put_in_order(PROBLEMS)
        assert path.read_bytes() == b"".join(encode(predicted(one)) for one in PROBLEMS.values())
        assert sorted(kept.lines) == sorted(lines)
        assert len(kept.seen) == len(PROBLEMS)


def test_problems_without_a_reply_or_that_have_changed_are_answered_again(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    silent = Prediction(problem=PROBLEMS["p1"], samples=(), answer=None, correct=False)
    changed = predicted(problem("p2", gold="5"))
    path.write_bytes(b"".join(map(encode, [predicted(PROBLEMS["p0"]), silent, changed, predicted(PROBLEMS["p3"])])))
    kept = Kept(path)
    assert kept.take_up() == (0, 2)
    assert kept.store.answered == {"p0", "p3"}
    assert ids(path) == ["p0", "p3"]


def test_of_two_answers_to_one_problem_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(encode(predicted(PROBLEMS["p0"], "4")) + encode(predicted(PROBLEMS["p0"], "four")))
    kept = Kept(path)
    kept.take_up()
    assert [one.samples[0].text for one in read_records(path, Prediction)] == ["4"]


def test_what_was_answered_beyond_a_limit_is_kept_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(b"".join(encode(predicted(PROBLEMS[one])) for one in ("p5", "p4", "p0")))
    kept = Kept(path)
    assert kept.take_up({"p0": PROBLEMS["p0"], "p1": PROBLEMS["p1"]}, known=PROBLEMS) == (0, 0)
    kept.extend([predicted(PROBLEMS["p1"])])
    kept.store.put_in_order(["p0", "p1"])
    assert ids(path) == ["p0", "p1", "p5", "p4"]


def test_what_is_no_problem_of_the_task_any_more_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(encode(predicted(problem("gone"))) + encode(predicted(PROBLEMS["p0"])))
    kept = Kept(path)
    assert kept.take_up(known=PROBLEMS) == (0, 1)
    assert ids(path) == ["p0"]


def test_a_damaged_line_is_named_and_nothing_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    before = encode(predicted(PROBLEMS["p0"])) + b'{"schema": 3}\n' + encode(predicted(PROBLEMS["p1"]))
    path.write_bytes(before)
    with pytest.raises(DataProblem, match=r"predictions\.jsonl:2: "):
        Kept(path).take_up()
    assert path.read_bytes() == before
