import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.distill.pooling import pool


def test_later_states_weigh_more() -> None:
    states = torch.tensor([[[9.0], [1.0], [2.0], [4.0]]])
    mask = torch.tensor([[False, True, True, True]])
    assert pool(states, mask).item() == pytest.approx((1 * 1.0 + 2 * 2.0 + 3 * 4.0) / 6)


@given(st.integers(1, 20), st.integers(0, 100), st.integers(0, 100))
def test_padding_on_any_side_leaves_the_vector_alone(length: int, left: int, right: int) -> None:
    generator = torch.Generator().manual_seed(length)
    states = torch.randn(1, length, 8, generator=generator)
    mask = torch.ones(1, length, dtype=torch.bool)
    around = torch.randn(1, left + length + right, 8, generator=generator)
    around[:, left : left + length] = states
    wide = torch.zeros(1, left + length + right, dtype=torch.bool)
    wide[:, left : left + length] = True
    torch.testing.assert_close(pool(around, wide), pool(states, mask), atol=1e-5, rtol=0)
