"""What a seat's tokens cost: told, free, looked up or unknown, never guessed."""

import pytest

from magdi_cli.engines.catalogue import find_entry, usd_per_token
from magdi_cli.engines.prices import FREE, Price
from magdi_cli.engines.pricing import price_of
from magdi_cli.engines.teachers import parse_seat


@pytest.mark.parametrize(
    ("seat", "price"),
    [
        ("sim", FREE),
        ("local:smollm2-135m", FREE),
        ("hosted_vllm/foo?api_base=http://localhost:8000/v1", FREE),
        ("gpt-4o?api_base=http://127.0.0.1:1/v1", FREE),
        ("gpt-4o", Price(prompt=2.5e-6, completion=1e-5, exact=False)),
        ("gpt-4o?price=0:1", Price(prompt=0.0, completion=1e-6)),
        ("sim?price=1:2", Price(prompt=1e-6, completion=2e-6)),
        ("hosted_vllm/foo?api_base=http://127.0.0.1:1/v1&price=1:2", Price(prompt=1e-6, completion=2e-6)),
        ("hosted_vllm/foo?api_base=http://gpu1/v1", None),
        ("openrouter/nobody/knows", None),
    ],
)
def test_a_price_is_the_seats_own_or_nothing_on_this_machine_or_the_maps(seat: str, price: Price | None) -> None:
    assert price_of(parse_seat(seat)) == price


@pytest.mark.parametrize(
    ("facts", "dollars"),
    [
        ({"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}, (1e-6, 2e-6)),
        ({"input_cost_per_token": 0, "output_cost_per_token": 0}, (0, 0)),
        ({"input_cost_per_token": 1e-6}, None),
        ({"output_cost_per_token": 1e-6}, None),
        ({}, None),
        ({"input_cost_per_token": 0, "output_cost_per_token": 1e-6, "input_cost_per_request": 0.005}, None),
        (
            {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 5e-6},
            (1e-6, 5e-6),
        ),
    ],
)
def test_a_price_of_the_map_is_whole_and_never_too_low(
    facts: dict[str, float], dollars: tuple[float, float] | None
) -> None:
    assert usd_per_token(facts) == dollars


def test_the_map_says_how_much_a_model_reads_and_writes() -> None:
    entry = find_entry("openai/gpt-4o")

    assert entry is not None
    assert (entry.most_input_tokens, entry.most_output_tokens) == (128_000, 16_384)
