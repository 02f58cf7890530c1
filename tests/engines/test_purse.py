"""The purse: worst cases are set aside, real costs are spent, the cap is never passed."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.errors import BudgetReached
from magdi_cli.core.gate import DeadlinePassed, Gate
from magdi_cli.engines.purse import Purse
from tests.clock import run


@given(
    st.floats(0, 5),
    st.lists(st.tuples(st.floats(0.001, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=30),
    st.integers(0, 99),
)
def test_the_cap_is_never_passed_and_no_affordable_call_is_refused(
    cap: float, calls: list[tuple[float, float, bool]], seed: int
) -> None:
    rng = random.Random(seed)
    made: list[float] = []

    async def call(purse: Purse, worst: float, share: float, breaks_off: bool) -> None:
        async with purse.bill(worst) as bill:
            await asyncio.sleep(rng.random())
            if breaks_off:
                made.append(worst)
                raise TimeoutError
            made.append(worst * share)
            bill.settle(worst * share)

    async def spend() -> Purse:
        purse = Purse(gate=Gate(), cap=cap)
        ends = await asyncio.gather(*(call(purse, *each) for each in calls), return_exceptions=True)
        assert {type(end) for end in ends} <= {type(None), TimeoutError, BudgetReached}
        refused = [each for each, end in zip(calls, ends, strict=True) if isinstance(end, BudgetReached)]
        assert not refused or min(purse.spent + worst for worst, _, _ in calls) <= purse.spent + 1
        if refused:
            assert purse.spent + max(worst for worst, _, _ in refused) > cap
        return purse

    purse = run(spend())
    assert purse.spent <= cap + 1e-9
    assert purse.spent == pytest.approx(sum(made))


def test_a_call_that_cannot_be_afforded_waits_for_those_under_way() -> None:
    async def spend() -> list[float]:
        purse = Purse(gate=Gate(), cap=1.0)
        begun = []

        async def call() -> None:
            async with purse.bill(0.6) as bill:
                begun.append(asyncio.get_running_loop().time())
                await asyncio.sleep(1)
                bill.settle(0.1)

        await asyncio.gather(*(call() for _ in range(4)))
        assert purse.spent == pytest.approx(0.4)
        return [begun[i + 1] - begun[i] for i in range(3)]

    assert run(spend()) == [1.0, 1.0, 1.0]


def test_once_a_call_was_too_dear_no_cheaper_one_begins() -> None:
    async def spend() -> Purse:
        purse = Purse(gate=Gate(), cap=1.0)

        async def call(worst: float) -> None:
            async with purse.bill(worst) as bill:
                await asyncio.sleep(1)
                bill.settle(0.5)

        ends = await asyncio.gather(*(call(worst) for worst in (0.6, 0.7, 0.45)), return_exceptions=True)
        assert [type(end) for end in ends] == [type(None), BudgetReached, BudgetReached]
        return purse

    purse = run(spend())
    assert purse.spent == pytest.approx(0.5)
    assert "$0.5000 of" in str(purse.gate.reason)


def test_the_reason_names_the_cap_what_is_spent_and_the_way_out() -> None:
    async def spend() -> None:
        async with Purse(gate=Gate(), cap=0.5, spent=0.45).bill(0.1):
            pass

    with pytest.raises(BudgetReached, match=r"\$0\.4500 of --max-cost \$0\.5 .* may cost \$0\.1000; raise --max-cost"):
        run(spend())


def test_what_broke_off_counts_with_its_worst_case() -> None:
    async def spend() -> Purse:
        purse = Purse(gate=Gate())
        with pytest.raises(TimeoutError):
            async with purse.bill(0.3):
                raise TimeoutError
        async with purse.bill(0.3) as bill:
            bill.settle(0.1)
        return purse

    purse = run(spend())
    assert (purse.spent, purse.unsettled) == (pytest.approx(0.4), pytest.approx(0.3))


def test_a_call_that_cannot_be_afforded_in_time_is_not_made() -> None:
    async def spend() -> Purse:
        purse = Purse(gate=Gate(), cap=1.0)
        async with purse.bill(0.9) as bill:
            with pytest.raises(DeadlinePassed):
                async with purse.bill(0.9, deadline=asyncio.get_running_loop().time() + 2):
                    pass
            bill.settle(0.1)
        return purse

    assert run(spend()).spent == pytest.approx(0.1)
