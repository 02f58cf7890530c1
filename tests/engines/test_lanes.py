"""Lanes under a clock that jumps: what is asked at once, and when."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import BudgetReached, UnknownName, UsageProblem
from magdi_cli.core.gate import DeadlinePassed, Gate
from magdi_cli.engines.lanes import EVERY, Lane, LaneLimits, Lanes, Slot, parse_limits
from magdi_cli.engines.meter import Meter
from tests.clock import run


class Provider:
    """A server that takes `takes` calls at once, a second each, and says 429 to any more."""

    def __init__(self, lane: Lane, takes: int, wait_seconds: float = 0.0) -> None:
        self.lane, self.takes, self.wait_seconds = lane, takes, wait_seconds
        self.now = self.most = self.refused = 0
        self.begun: list[float] = []
        self.widths: list[int] = []

    async def call(self) -> None:
        done = False
        while not done:
            async with self.lane.slot() as slot:
                self.begun.append(asyncio.get_running_loop().time())
                self.now += 1
                self.most = max(self.most, self.now)
                crowded = self.now > self.takes
                await asyncio.sleep(0.01 if crowded else 1)
                self.now -= 1
                if crowded:
                    self.refused += 1
                    slot.too_much(self.wait_seconds)
                else:
                    slot.succeeded()
                    done = True
                self.widths.append(self.lane.width)
            await asyncio.sleep(1 if crowded else 0)


def meet(limits: LaneLimits, *, takes: int, calls: int, wait_seconds: float = 0.0) -> Provider:
    async def crowd() -> Provider:
        provider = Provider(Lane("p", limits, Gate(), Meter()), takes, wait_seconds)
        await asyncio.gather(*(provider.call() for _ in range(calls)))
        return provider

    return run(crowd())


def test_a_lane_grows_to_its_width_and_no_further() -> None:
    provider = meet(LaneLimits(low=2, high=8, start=2), takes=100, calls=100)
    assert (provider.most, provider.refused, provider.lane.width) == (8, 0, 8)


def test_a_lane_settles_around_what_the_provider_takes() -> None:
    provider = meet(LaneLimits(low=1, high=64, start=1), takes=10, calls=600)
    late = provider.widths[len(provider.widths) // 2 :]
    assert 5 <= sum(late) / len(late) <= 11
    assert provider.refused < 100


def test_calls_refused_together_halve_the_lane_once() -> None:
    async def burst() -> int:
        lane = Lane("p", LaneLimits(high=16, start=16), Gate(), Meter())

        async def refused() -> None:
            async with lane.slot() as slot:
                await asyncio.sleep(1)
                slot.too_much(0)

        await asyncio.gather(*(refused() for _ in range(16)))
        return lane.width

    assert run(burst()) == 8


def test_a_lane_never_falls_below_its_least_width() -> None:
    provider = meet(LaneLimits(low=4, high=8, start=8), takes=3, calls=30)
    assert min(provider.widths) == 4


def test_a_provider_that_asks_for_a_pause_gets_it_from_all() -> None:
    provider = meet(LaneLimits(high=4, start=4), takes=3, calls=8, wait_seconds=60)
    first = provider.begun[0]
    assert [begun - first < 1 for begun in provider.begun[:4]] == [True] * 4
    assert all(begun - first >= 60 for begun in provider.begun[4:])


def test_calls_a_minute_are_kept_in_every_minute() -> None:
    provider = meet(LaneLimits(high=64, start=64, rpm=30), takes=100, calls=120)
    for begun in provider.begun:
        assert sum(begun <= other < begun + 60 for other in provider.begun) <= 31


def test_tokens_a_minute_are_kept() -> None:
    async def spend() -> float:
        lane = Lane("p", LaneLimits(high=64, start=64, tpm=6000), Gate(), Meter())
        before = asyncio.get_running_loop().time()

        async def call() -> None:
            async with lane.slot(tokens=500):
                pass

        await asyncio.gather(*(call() for _ in range(50)))
        return asyncio.get_running_loop().time() - before

    assert run(spend()) == pytest.approx((50 * 500 - 1000) / 100, rel=0.01)


def test_a_call_larger_than_the_bucket_still_passes() -> None:
    async def call() -> None:
        async with Lane("p", LaneLimits(tpm=60), Gate(), Meter()).slot(tokens=10**6):
            pass

    run(call())


def test_a_call_whose_time_is_up_before_it_begins_is_not_made() -> None:
    async def wait() -> None:
        lane = Lane("p", LaneLimits(high=1, start=1), Gate(), Meter())
        async with lane.slot():
            with pytest.raises(DeadlinePassed):
                async with lane.slot(deadline=asyncio.get_running_loop().time() + 5):
                    pass
        async with lane.slot():  # the place is free again
            pass
        with pytest.raises(DeadlinePassed):
            async with lane.slot(deadline=asyncio.get_running_loop().time()):
                pass

    run(wait())


def test_a_closing_gate_ends_all_waiting_and_frees_its_places() -> None:
    async def wait() -> None:
        gate = Gate()
        lane = Lane("p", LaneLimits(high=2, start=2, rpm=1), gate, Meter())

        async def call() -> None:
            async with lane.slot():
                await asyncio.sleep(1)

        calls = [asyncio.create_task(call()) for _ in range(6)]
        await asyncio.sleep(0.5)
        before = asyncio.get_running_loop().time()
        gate.close(BudgetReached("spent"))
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert asyncio.get_running_loop().time() - before < 2
        assert [type(end) for end in ends] == [type(None), *[BudgetReached] * 5]

    run(wait())


async def entered(lane: Lane) -> AbstractAsyncContextManager[Slot]:
    slot = lane.slot()
    await slot.__aenter__()
    return slot


@given(st.lists(st.sampled_from(["grow", "cut", "enter", "leave"]), max_size=60))
def test_places_and_width_always_agree(steps: list[str]) -> None:
    async def play() -> None:
        lane = Lane("p", LaneLimits(low=1, high=9, start=3), Gate(), Meter())
        inside: list[AbstractAsyncContextManager[Slot]] = []
        for step in steps:
            match step:
                case "enter" if len(inside) < lane.width:
                    inside.append(await entered(lane))
                case "leave" if inside:
                    await inside.pop().__aexit__(None, None, None)
                case "grow" | "cut":
                    lane.grow() if step == "grow" else lane.cut(lane.cuts, 0.0)
        for slot in inside:
            await slot.__aexit__(None, None, None)
        places = [await asyncio.wait_for(entered(lane), 1) for _ in range(lane.width)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(entered(lane), 1)
        for place in places:
            await place.__aexit__(None, None, None)

    run(play())


def widths(limits: Mapping[str, LaneLimits], name: str) -> tuple[int, int, int]:
    return limits[name].low, limits[name].start, limits[name].high


def test_limits_are_read_for_all_and_for_one() -> None:
    limits = parse_limits("16, openai=4-64", "500", "openai=90000,anthropic=40000", ["openai", "anthropic"])
    assert widths(limits, EVERY) == widths(limits, "anthropic") == (1, 16, 16)
    assert widths(limits, "openai") == (4, 4, 64)
    assert (limits["openai"].rpm, limits["anthropic"].rpm) == (500, 500)
    assert (limits["openai"].tpm, limits["anthropic"].tpm, limits[EVERY].tpm) == (90000, 40000, None)


@pytest.mark.parametrize(
    ("concurrency", "rpm", "said"),
    [
        ("0", "", "'0' is neither N nor MIN-MAX"),
        ("8-4", "", "'8-4' is neither"),
        ("many", "", "'many' is neither"),
        ("16", "0", "--rpm: '0' is not a number above 0"),
        ("16", "nan", "--rpm: 'nan'"),
        ("16", "openai=fast", "--rpm: 'fast'"),
    ],
)
def test_limits_that_make_no_sense_are_named(concurrency: str, rpm: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        parse_limits(concurrency, rpm, "", ["openai"])


def test_a_provider_that_is_not_on_the_panel_is_named() -> None:
    with pytest.raises(UnknownName, match=r"--rpm named 'opneai'; close: openai"):
        parse_limits("16", "opneai=3", "", ["openai"])


def test_each_provider_has_one_lane_and_each_server_its_own() -> None:
    lanes = Lanes(parse_limits("16", "", "", ["openai"]), Gate(), Meter())
    assert lanes.lane("openai") is lanes.lane("openai")
    assert lanes.lane("hosted_vllm", "http://a") is not lanes.lane("hosted_vllm", "http://b")
    assert len(lanes.all()) == 3
