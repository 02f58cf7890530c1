import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.distill.student.pooling import pool


def test_later_states_weigh_more() -> None:
    states = torch.tensor([[[9.0], [1.0], [2.0], [4.0]]])
    members = torch.tensor([[[False, True, True, True]]])
    assert pool(states, members).item() == pytest.approx((1 * 1.0 + 2 * 2.0 + 3 * 4.0) / 6)


@given(st.integers(1, 20), st.integers(0, 100), st.integers(0, 100))
def test_what_stands_around_a_text_leaves_its_vector_alone(length: int, left: int, right: int) -> None:
    generator = torch.Generator().manual_seed(length)
    states = torch.randn(1, length, 8, generator=generator)
    around = torch.randn(1, left + length + right, 8, generator=generator)
    around[:, left : left + length] = states
    members = torch.zeros(1, 1, left + length + right, dtype=torch.bool)
    members[:, :, left : left + length] = True
    alone = pool(states, torch.ones(1, 1, length, dtype=torch.bool))
    torch.testing.assert_close(pool(around, members), alone, atol=1e-5, rtol=0)


def test_a_text_that_is_not_there_is_zeros() -> None:
    members = torch.tensor([[[True, True], [False, False]]])
    assert pool(torch.ones(1, 2, 3), members).tolist() == [[[1.0] * 3, [0.0] * 3]]
