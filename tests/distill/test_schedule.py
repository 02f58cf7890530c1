from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.distill.lessons.schedule import planned, shuffled

LENGTHS = st.lists(st.integers(1, 900), min_size=1, max_size=60)


@given(LENGTHS, st.integers(0, 5), st.integers(1, 3))
def test_every_epoch_reads_every_graph_once(lengths: list[int], seed: int, epochs: int) -> None:
    plan = planned(lengths, shuffled(len(lengths), seed), DistillConfig(epochs=float(epochs), seed=seed))
    reads = Counter(graph for step in plan.steps for graph in step)
    assert reads == dict.fromkeys(range(len(lengths)), epochs)
    assert plan.epochs[-1] == epochs
    assert sorted(plan.epochs) == list(plan.epochs)


@given(LENGTHS)
def test_a_step_keeps_to_its_tokens_unless_one_graph_alone_has_more(lengths: list[int]) -> None:
    plan = planned(lengths, shuffled(len(lengths), 0), DistillConfig(epochs=1.0, tokens_per_step=500))
    assert all(len(step) == 1 or sum(lengths[graph] for graph in step) <= 500 for step in plan.steps)


@given(LENGTHS, st.integers(1, 7))
def test_a_batch_size_counts_graphs(lengths: list[int], graphs: int) -> None:
    plan = planned(lengths, shuffled(len(lengths), 0), DistillConfig(epochs=1.0, batch_size=graphs))
    assert max(map(len, plan.steps)) <= graphs


def test_a_step_reads_graphs_of_similar_length() -> None:
    lengths = [10 * (n % 40 + 1) for n in range(400)]
    plan = planned(lengths, shuffled(400, 0), DistillConfig(epochs=1.0, batch_size=4))
    padding = sum(max(lengths[g] for g in step) - lengths[g] for step in plan.steps for g in step)
    assert padding < 0.05 * sum(lengths)


def test_two_epochs_differ_in_order_and_two_seeds_do() -> None:
    lengths = [5] * 50
    both = planned(lengths, shuffled(50, 0), DistillConfig(epochs=2.0, batch_size=5)).steps
    other = planned(lengths, shuffled(50, 1), DistillConfig(epochs=1.0, batch_size=5, seed=1)).steps
    assert both[:10] != both[10:]
    assert both[:10] != other


def test_a_count_of_steps_goes_before_epochs_and_may_cross_them() -> None:
    plan = planned([5] * 6, shuffled(6, 0), DistillConfig(epochs=1.0, batch_size=4, max_steps=5))
    sizes = [len(step) for step in plan.steps]
    assert [sorted(sizes[:2]), sorted(sizes[2:4]), len(sizes)] == [[2, 4], [2, 4], 5]
