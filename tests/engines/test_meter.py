"""The debate run's meter."""

from magdi_cli.core.usage import Usage
from magdi_cli.engines.meter import Meter, dollars, thousands


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spent(calls: int = 1, *, tokens: int = 100, cost: float | None = 0.01) -> Usage:
    return Usage(calls=calls, prompt_tokens=tokens, completion_tokens=0, cost_usd=cost)


def test_the_status_says_speed_tokens_money_and_waits() -> None:
    clock = Clock()
    meter = Meter(cap_usd=5.0, clock=clock)
    clock.now += 10
    for _ in range(32):
        meter.call(spent(tokens=1410, cost=0.0072))
    for _ in range(14):
        meter.waited(62 / 14)
    assert meter.status() == "3.2 calls/s, 45k tokens, $0.23 (of $5.00), 14 rate-limit waits (62 s)"


def test_the_speed_is_that_of_the_last_seconds() -> None:
    clock = Clock()
    meter = Meter(clock=clock)
    for _ in range(100):
        meter.call(spent())
    clock.now += 1000
    assert meter.status().startswith("0.0 calls/s, 10k tokens")
    meter.call(spent())
    assert meter.status().startswith("0.1 calls/s")
    assert meter.status(clock.now + 10).startswith("0.0 calls/s")


def test_the_speed_of_a_young_run_is_measured_over_its_life_and_never_over_an_instant() -> None:
    clock = Clock()
    meter = Meter(clock=clock)
    meter.call(spent(calls=4))
    assert meter.status().startswith("4.0 calls/s")
    assert meter.status(clock.now + 2).startswith("2.0 calls/s")


def test_the_meter_forgets_old_calls_even_if_nobody_asks() -> None:
    clock = Clock()
    meter = Meter(clock=clock)
    for _ in range(1000):
        clock.now += 1
        meter.call(spent())
    assert len(meter._recent) == 10


def test_what_is_unknown_or_did_not_happen_is_not_made_up() -> None:
    meter = Meter(clock=Clock())
    assert meter.status() == "0.0 calls/s, 0 tokens, $0.00"
    meter.call(spent(cost=None))
    meter.reused()
    meter.waited(2.6)
    assert meter.status() == "1.0 calls/s, 100 tokens, unknown $, 1 rate-limit wait (3 s), 1 reused"
    capped = Meter(clock=Clock(), cap_usd=0.5)
    capped.call(spent(cost=None))
    assert "unknown $ (of $0.50)" in capped.status()


def test_numbers_are_short() -> None:
    assert [thousands(n) for n in (0, 999, 1000, 4520, 45_300, 1_240_000, 45_000_000)] == [
        "0", "999", "1.0k", "4.5k", "45k", "1.2M", "45M",
    ]  # fmt: skip
    assert [dollars(d) for d in (0.0, 0.004, 0.234, 1234.5)] == ["$0.00", "<$0.01", "$0.23", "$1,234.50"]
