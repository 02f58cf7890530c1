"""The gate: what is under way is finished, nothing else is begun."""

import asyncio
import os
import signal

import pytest

from magdi_cli.core.errors import BudgetReached, Interrupted, TooManyFailures
from magdi_cli.core.gate import DeadlinePassed, Gate, closed_by_signals
from tests.clock import run
from tests.reports import Heard


def test_an_open_gate_lets_everybody_pass() -> None:
    Gate().check()


def test_the_first_reason_counts() -> None:
    gate = Gate()
    gate.close(BudgetReached("spent"))
    gate.close(TooManyFailures("failed"))
    with pytest.raises(BudgetReached):
        gate.check()


def test_closing_ends_a_sleep_with_the_reason() -> None:
    async def sleep() -> float:
        gate = Gate()
        loop = asyncio.get_running_loop()
        loop.call_later(5, gate.close, BudgetReached("spent"))
        with pytest.raises(BudgetReached):
            await gate.sleep(3600)
        return loop.time()

    async def elapsed() -> float:
        return -asyncio.get_running_loop().time() + await sleep()

    assert 5 <= run(elapsed()) < 6


def test_a_gate_may_be_closed_again_while_those_who_wait_are_being_told() -> None:
    async def wait() -> None:
        gate = Gate()
        waits = [asyncio.create_task(gate.sleep(3600)) for _ in range(3)]
        await asyncio.sleep(0)
        for _ in range(4):
            gate.close(BudgetReached("spent"))
            await asyncio.sleep(0)
        ends = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(end) for end in ends] == [BudgetReached] * 3

    run(wait())


def test_a_wait_ends_at_its_deadline_and_the_gate_stays_open() -> None:
    async def wait() -> Gate:
        gate = Gate()
        with pytest.raises(DeadlinePassed):
            async with gate.waiting(asyncio.get_running_loop().time() + 1):
                await asyncio.sleep(3600)
        return gate

    run(wait()).check()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_closes_the_gate_and_lets_work_go_on(number: signal.Signals, code: int) -> None:
    async def work() -> Gate:
        gate, report = Gate(), Heard()
        with closed_by_signals(gate, report):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
            assert len(report.notes) == 1
        return gate

    gate = asyncio.run(work())
    with pytest.raises(Interrupted) as stopped:
        gate.check()
    assert stopped.value.exit_code == code


def test_the_second_ctrl_c_stops_at_once() -> None:
    async def work() -> None:
        with closed_by_signals(Gate(), Heard()):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.05)
            await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(work())


def test_handlers_are_as_they_were_afterwards() -> None:
    async def work() -> None:
        with closed_by_signals(Gate(), Heard()):
            pass

    before = signal.getsignal(signal.SIGTERM)
    asyncio.run(work())
    assert signal.getsignal(signal.SIGTERM) is before
