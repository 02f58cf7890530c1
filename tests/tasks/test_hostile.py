"""No crash, and an end in time, whatever a model says."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from magdi_cli.core.problem import Problem
from tests.tasks.hostile import LENGTH, PATIENCE_SECONDS, PIECES, PROBLEMS, constructed, judged


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_what_goes_on_and_on_comes_to_an_end(problem: Problem) -> None:
    slowest = max((judged(text, problem), text[:40]) for text in constructed(LENGTH))
    assert slowest[0] < PATIENCE_SECONDS + 1, slowest


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=300) | st.lists(st.sampled_from(PIECES)).map("".join)
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_breaks_the_judge(text: str) -> None:
    assert max(judged(text, problem) for problem in PROBLEMS) < PATIENCE_SECONDS + 1
