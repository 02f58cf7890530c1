from collections import Counter
from pathlib import Path

import pytest

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.importing.found import Imported
from magdi_cli.build_graph.importing.traces import debates
from magdi_cli.build_graph.validate import outline, violations
from magdi_cli.tasks.answers import verify
from tests.build_graph.importing.lines_of import found_in

pytestmark = pytest.mark.data

FILES = (
    "strategyqa_ford_single",
    "strategyqa_ford_debate_chatgpt_davinci",
    "commonsenseqa_ford_debate_llama_vicuna",
    "extra_piqa_ford_roundtable3",
    "gsm8k_slm_debate",
)


def imported(data_dir: Path, *names: str) -> list[Imported]:
    paths = [data_dir / "traces" / f"{name}.jsonl" for name in names]
    found = found_in(debates, *paths)
    assert all(isinstance(one, Imported) for one in found)
    return [one for one in found if isinstance(one, Imported)]


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_a_valid_graph_and_our_labels_are_nearly_always_the_sources(data_dir: Path, name: str) -> None:
    found = imported(data_dir, name)
    rows = (data_dir / "traces" / f"{name}.jsonl").read_bytes().count(b"\n")
    assert len(found) == rows
    judged, unlike = Counter[str](), Counter[str]()
    for one in found:
        assert violations(outline(one.debate)) == []
        graph = build_graph(one.debate, lambda answer, problem: verify(answer, problem).correct)
        assert all(graph.nodes[start].round < graph.nodes[end].round for start, end in graph.edges)
        for index, verdict in one.verdicts.items():
            judged[graph.nodes[index].agent] += 1
            unlike[graph.nodes[index].agent] += graph.nodes[index].correct != verdict
    assert judged.total() > 600
    assert unlike.total() <= 0.005 * judged.total()


def test_files_of_single_models_join_into_the_seats_of_one_graph_a_question(data_dir: Path) -> None:
    names = ("strategyqa_ford_single", "strategyqa_zscot_td002", "strategyqa_icmlkd_teacher_train")
    found = imported(data_dir, *names)
    assert len(found) == len({one.debate.problem.id for one in found})
    sizes = Counter(len(one.debate.agents) for one in found)
    assert max(sizes) == 7
    assert sizes[7] > 1000
    assert all(turn.round == 0 for one in found for turn in one.debate.turns)


def test_debates_that_take_turns_chain_them(data_dir: Path) -> None:
    for one in imported(data_dir, "strategyqa_ford_debate_chatgpt_davinci"):
        turns = one.debate.turns
        assert [turn.round for turn in turns] == [0, *range(len(turns) - 1)]
        assert all(set(turn.parents) == {index - 1, index - 2} for index, turn in enumerate(turns) if index > 1)
