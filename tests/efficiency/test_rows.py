import pytest

from magdi_cli.efficiency.rows import Row, efficiency


def row(task: str, system: str, tokens: float, accuracy: float = 0.5, cost: float | None = None) -> Row:
    return Row(task=task, n=10, system=system, tokens_per_question=tokens, accuracy=accuracy, cost_usd=cost)


def test_ratios_are_the_debates_tokens_over_the_systems_on_the_same_task() -> None:
    result = efficiency([row("sqa", "graph", 107.5), row("sqa", "debate", 924.5), row("boolq", "graph", 50)])
    assert [(r.task, r.system) for r in result.rows] == [("boolq", "graph"), ("sqa", "debate"), ("sqa", "graph")]
    assert [r.ratio for r in result.rows] == [None, 1.0, pytest.approx(8.6)]


def test_the_average_reproduces_the_papers_table() -> None:
    debate = {"sqa": 924.5, "csqa": 936.9, "arc": 448.3, "gsm8k": 642.3, "math": 1900.1}
    student = {"sqa": 107.5, "csqa": 104.2, "arc": 86.4, "gsm8k": 141.6, "math": 645.0}
    rows = [row(t, "debate", n) for t, n in debate.items()] + [row(t, "student", n) for t, n in student.items()]
    average = efficiency(rows).average
    assert average["debate"].tokens_per_question == pytest.approx(970.4, abs=0.05)
    assert average["student"].tokens_per_question == pytest.approx(216.9, abs=0.05)
    assert average["student"].ratio == pytest.approx(4.5, abs=0.05)


def test_an_average_counts_only_debated_tasks_in_its_ratio_and_no_guessed_money() -> None:
    rows = [row("a", "debate", 100), row("a", "s", 10, cost=1.0), row("b", "s", 1000, cost=None)]
    average = efficiency(rows).average["s"]
    assert average.tokens_per_question == 505
    assert average.ratio == 10
    assert average.cost_usd is None
