import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.flow import Journal, as_done, in_order
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import encode
from magdi_cli.core.seeds import seed_for
from tests.strategies import problem


@given(st.permutations(range(8)), st.integers(1, 9), st.integers(1, 9))
def test_results_come_in_order_however_long_each_takes(turns: list[int], at_once: int, window: int) -> None:
    async def run() -> list[int]:
        async def work(item: int) -> int:
            for _ in range(turns[item]):
                await asyncio.sleep(0)
            return item

        return [result async for result in in_order(range(8), work, at_once=at_once, window=window)]

    assert asyncio.run(run()) == list(range(8))


@pytest.mark.parametrize(("at_once", "window"), [(3, 20), (20, 3)])
def test_no_more_is_under_way_than_was_said(at_once: int, window: int) -> None:
    running: list[int] = []
    most = 0

    async def work(item: int) -> None:
        nonlocal most
        running.append(item)
        most = max(most, len(running))
        await asyncio.sleep(0)
        running.remove(item)

    async def run() -> None:
        async for _ in in_order(range(20), work, at_once=at_once, window=window):
            pass

    asyncio.run(run())
    assert most == 3


def test_a_slow_item_delays_itself_and_not_the_others() -> None:
    finished: list[int] = []
    released = asyncio.Event()

    async def work(item: int) -> int:
        if item == 0:
            await released.wait()
        finished.append(item)
        if item == 5:
            released.set()
        return item

    async def run() -> list[int]:
        return [result async for result in in_order(range(6), work, at_once=2, window=6)]

    assert asyncio.run(run()) == [0, 1, 2, 3, 4, 5]
    assert finished == [1, 2, 3, 4, 5, 0]


@given(st.permutations(range(8)), st.integers(1, 9))
def test_every_result_comes_once_as_soon_as_it_is_there(turns: list[int], at_once: int) -> None:
    finished: list[int] = []

    async def run() -> list[int]:
        async def work(item: int) -> int:
            for _ in range(turns[item]):
                await asyncio.sleep(0)
            finished.append(item)
            return item

        return [result async for result in as_done(range(8), work, at_once=at_once)]

    came = asyncio.run(run())
    assert sorted(came) == list(range(8))
    if at_once == 1:
        assert came == finished == list(range(8))


def test_a_slow_item_does_not_hold_back_what_comes_after_it() -> None:
    released = asyncio.Event()

    async def work(item: int) -> int:
        if item == 0:
            await released.wait()
        return item

    async def run() -> list[int]:
        came = []
        async for result in as_done(range(6), work, at_once=2):
            came.append(result)
            if len(came) == 5:
                released.set()
        return came

    assert asyncio.run(run()) == [1, 2, 3, 4, 5, 0]


def test_after_a_failure_what_is_under_way_is_handed_out_and_nothing_more_begun() -> None:
    begun: list[int] = []

    async def work(item: int) -> int:
        begun.append(item)
        await asyncio.sleep(0)
        if item == 1:
            raise ValueError("item 1")
        await asyncio.sleep(0.01)
        return item

    came: list[int] = []

    async def run() -> None:
        async for result in as_done(range(9), work, at_once=3):
            came.append(result)

    with pytest.raises(ValueError, match="item 1"):
        asyncio.run(run())
    assert sorted(came) == [0, 2]
    assert begun == [0, 1, 2]


def sleeping(cancelled: list[int]) -> Callable[[int], Coroutine[Any, Any, int]]:
    """Work on item 0 is done at once, on others not before it is cancelled."""

    async def work(item: int) -> int:
        try:
            await asyncio.sleep(60 * item)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    return work


def test_a_reader_of_results_as_they_come_cancels_the_rest_by_leaving() -> None:
    cancelled: list[int] = []

    async def run() -> None:
        results = as_done(range(4), sleeping(cancelled), at_once=4)
        assert await anext(results) == 0
        await results.aclose()

    asyncio.run(run())
    assert sorted(cancelled) == [1, 2, 3]


def test_what_is_under_way_is_cancelled_when_the_reader_leaves() -> None:
    cancelled: list[int] = []

    async def run() -> None:
        results = in_order(range(4), sleeping(cancelled), at_once=4, window=4)
        assert await anext(results) == 0
        await results.aclose()

    asyncio.run(run())
    assert cancelled == [1, 2, 3]


def test_who_waits_and_is_cancelled_takes_along_what_is_under_way() -> None:
    cancelled: list[int] = []

    async def work(item: int) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    async def run() -> list[int]:
        waiting = asyncio.ensure_future(anext(in_order(range(3), work, at_once=3, window=3, finish=True)))
        for _ in range(5):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=30)
        return sorted(cancelled)

    assert asyncio.run(run()) == [0, 1, 2]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(b"".join(encode(_prediction(p)) for p in _problems(3)) + b'{"torn')
    return path


def test_a_journal_keeps_the_leading_records_and_cuts_the_rest(stored: Path) -> None:
    seen: list[Prediction] = []
    lines: list[bytes] = []
    journal = Journal(path=stored, record_type=Prediction, seen=seen.append, emit=lines.append)
    done, torn = journal.replay(_problems(5), lambda prediction, p: prediction.problem == p and p.id != "2")
    assert (done, torn) == (2, 6)
    assert [prediction.problem.id for prediction in seen] == ["0", "1"]
    assert stored.read_bytes() == b"".join(lines)


def test_a_journal_asked_for_fewer_problems_loses_nothing(stored: Path) -> None:
    journal = Journal(path=stored, record_type=Prediction, seen=lambda _: None, emit=lambda _: None)
    assert journal.replay(_problems(1), lambda prediction, p: prediction.problem == p) == (1, 6)
    assert stored.read_bytes().count(b"\n") == 3


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from magdi_cli.core.flow import Journal
from magdi_cli.core.usage import Usage

async def records():
    yield Usage()
    yield Usage()

resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
seen = []
journal = Journal(path=Path(sys.argv[1]), record_type=Usage, seen=seen.append, emit=lambda line: None)
try:
    asyncio.run(journal.extend(records()))
except OSError:
    sys.exit(len(seen))
"""


def test_a_record_that_does_not_fit_on_the_disk_does_not_count(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "usages.jsonl")], check=False)
    assert done.returncode == 1


@given(st.integers(), st.text(max_size=5), st.text(max_size=5))
def test_seeds_depend_on_every_part_of_their_purpose(seed: int, a: str, b: str) -> None:
    assert seed_for(seed, a, b) == seed_for(seed, a, b)
    assert 0 <= seed_for(seed, a, b) < 2**63
    assert len({seed_for(seed, a, b), seed_for(seed + 1, a, b), seed_for(seed, a, b + "x")}) == 3


def _problems(n: int) -> list[Problem]:
    return [problem(id=str(i)) for i in range(n)]


def _prediction(of: Problem) -> Prediction:
    return Prediction(problem=of, samples=(), answer=None, correct=False)
