from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.distill.lessons.mixing import EXPONENTS, mixed, mixture_in_words, mixture_rows, quotas

policies = st.sampled_from(list(EXPONENTS))
sizes = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(min_value=1, max_value=60), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("proportional", {"gsm8k": 900, "svamp": 100}),
        ("sqrt", {"gsm8k": 750, "svamp": 250}),
        ("equal", {"gsm8k": 500, "svamp": 500}),
    ],
)
def test_a_policy_shares_an_epoch_out_as_its_name_says(policy: str, expected: dict[str, int]) -> None:
    assert quotas({"gsm8k": 900, "svamp": 100}, policy) == expected


@given(sizes, policies)
def test_an_epoch_has_as_many_examples_as_there_are_and_some_of_every_task(sizes: dict[str, int], policy: str) -> None:
    shares = quotas(sizes, policy)
    assert sum(shares.values()) == sum(sizes.values())
    assert shares.keys() == sizes.keys()
    assert min(shares.values()) > 0


@given(sizes, policies, st.integers(min_value=0, max_value=5), st.integers(min_value=0, max_value=9))
def test_an_epoch_reads_each_task_as_often_as_its_share_and_spreads_it_evenly(
    sizes: dict[str, int], policy: str, epoch: int, seed: int
) -> None:
    tasks = list(chain.from_iterable([task] * size for task, size in sizes.items()))
    order = mixed(tasks, policy, seed)(epoch)
    assert Counter(tasks[index] for index in order) == quotas(sizes, policy)
    before = Counter(chain.from_iterable(mixed(tasks, policy, seed)(past) for past in range(epoch + 1)))
    for task in sizes:
        times = [before[index] for index in range(len(tasks)) if tasks[index] == task]
        assert max(times) - min(times) <= 1


@given(st.integers(min_value=1, max_value=40), st.integers(min_value=0, max_value=9))
def test_proportional_shares_read_every_example_once(size: int, epoch: int) -> None:
    tasks = [f"task {index % 3}" for index in range(size)]
    assert sorted(mixed(tasks, "proportional", 0)(epoch)) == list(range(size))


def test_an_order_follows_from_its_seed_and_epoch_alone() -> None:
    tasks = ["a"] * 30 + ["b"] * 5
    order = mixed(tasks, "equal", 1)
    later = order(4)
    assert later == mixed(tasks, "equal", 1)(4)
    assert later not in (order(3), mixed(tasks, "equal", 2)(4))


def test_rows_tell_what_each_task_of_each_file_gets() -> None:
    graphs = [("one", "gsm8k")] * 4 + [("two", "gsm8k")] * 2 + [("two", "svamp")] * 3 + [("three", "boolq")]
    examples = [("one", "gsm8k")] * 4 + [("two", "gsm8k")] * 2 + [("two", "svamp")] * 2
    rows = mixture_rows(graphs, examples, "equal")
    assert [(row.source, row.task, row.graphs, row.examples) for row in rows] == [
        ("one", "gsm8k", 4, 4),
        ("two", "gsm8k", 2, 2),
        ("two", "svamp", 3, 2),
        ("three", "boolq", 1, 0),
    ]
    assert [row.share for row in rows] == pytest.approx([1 / 3, 1 / 6, 1 / 2, 0])
    assert [row.passes for row in rows] == pytest.approx([2 / 3, 2 / 3, 2, 0])


def test_rows_are_said_in_a_line() -> None:
    rows = mixture_rows([("f", "a")] * 3 + [("g", "b")], [("f", "a")] * 3 + [("g", "b")], "equal")
    assert mixture_in_words(rows, "equal") == (
        "equal mixture, an epoch: a 50% (3 examples of f, 0.67 times), b 50% (1 examples of g, 2 times)"
    )
