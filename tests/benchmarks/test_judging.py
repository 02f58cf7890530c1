"""The judge on twenty thousand hostile replies; the slowest is printed."""

import pytest

from tests.tasks.hostile import PATIENCE_SECONDS, PROBLEMS, judged, mixed

pytestmark = pytest.mark.bench
REPLIES = 20_000


def test_twenty_thousand_hostile_replies() -> None:
    slowest = (0.0, "")
    for text in mixed(REPLIES, seed=0):
        slowest = max(slowest, *((judged(text, problem), text) for problem in PROBLEMS))
    print(f"\n{REPLIES:,} replies, each as every kind: the slowest took {slowest[0]:.2f} s: {slowest[1][:80]!r}")
    assert slowest[0] < PATIENCE_SECONDS + 1
