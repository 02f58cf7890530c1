import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, EnvironmentProblem, UnknownName, UsageProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.level import LEVELS
from magdi_cli.core.records import write_records
from magdi_cli.distill.leaving.results import DistillResult
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.tracker_names import TRACKERS
from magdi_cli.distill.stage import run
from tests.distill.graphs import graph
from tests.reports import Heard, StoppedAfter

GRAPHS = tuple(graph(["-++", "+-+"], number=n) for n in range(1, 5))


@pytest.fixture
def distill(tiny: Path, tmp_path: Path) -> Callable[..., DistillResult]:
    def distill(
        graphs: tuple[InteractionGraph, ...] = GRAPHS, report: Heard | None = None, **settings: Any
    ) -> DistillResult:
        write_records(tmp_path / "graphs" / "graphs.jsonl", graphs)
        settings = {"max_steps": 2, "batch_size": 2} | settings
        config = DistillConfig(run_dir=tmp_path, student=str(tiny), **settings)
        return run(config, report or Heard())

    return distill


def test_the_students_folder_holds_what_was_promised(distill: Callable[..., DistillResult]) -> None:
    result = distill()
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "loss.png",
        "magdi_heads.safetensors",
        "manifest.json",
        "metrics.jsonl",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert len({path.stat().st_mode for path in result.folder.iterdir()}) == 1


@pytest.mark.parametrize("level", list(LEVELS))
def test_every_level_makes_a_student(distill: Callable[..., DistillResult], level: str) -> None:
    result = distill(level=level)
    assert result.folder.name == result.level == level
    assert result.objectives == dict(LEVELS[level].objectives)
    assert set(result.losses) == {"loss", *active(LEVELS[level])}


def test_the_result_counts_what_was_learned_from(distill: Callable[..., DistillResult]) -> None:
    result = distill()
    assert result.counts == {
        "steps": 2,
        "examples": 4,
        "nodes": 24,
        "correct_nodes": 16,
        "pairs": 32,
        "flips": 12,
        "dropped_nodes": 0,
    }
    assert result.tokens > 0
    assert result.teachers == ("ada", "bob", "cyd")


def test_the_adapter_loads_with_plain_peft_and_speaks_as_trained(
    tiny: Path, distill: Callable[..., DistillResult]
) -> None:
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = distill(learning_rate=0.05, max_steps=3).folder
    base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    ids = torch.tensor([AutoTokenizer.from_pretrained(folder)("What is 2 + 2?")["input_ids"]])
    before = base(ids).logits
    adapted = PeftModel.from_pretrained(base, folder).eval()
    stored = load_file(folder / "adapter_model.safetensors")
    assert all("lora_" in name for name in stored)
    expected = _by_hand(tiny, stored, ids)
    torch.testing.assert_close(adapted(ids).logits, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(expected, before, atol=1e-2)


def _by_hand(tiny: Path, stored: dict[str, torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
    """The logits of the base model with alpha / r * B A added to its weights."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    for name, lower in stored.items():
        if "lora_A" in name:
            layer = model.get_submodule(name.removeprefix("base_model.model.").removesuffix(".lora_A.weight"))
            layer.weight.data += 32 / 16 * stored[name.replace("lora_A", "lora_B")] @ lower
    return model(ids).logits


def test_the_adapter_names_the_model_as_the_user_did(tiny: Path, distill: Callable[..., DistillResult]) -> None:
    result = distill()
    stored = json.loads((result.folder / "adapter_config.json").read_text())
    assert stored["base_model_name_or_path"] == result.base == str(tiny)
    assert f"graph student of {tiny}" in (result.folder / "README.md").read_text()


def test_the_card_tells_level_teachers_data_objectives_and_limits(distill: Callable[..., DistillResult]) -> None:
    card = (distill(weight=("margin=0.25",)).folder / "README.md").read_text()
    for part in (
        "graph student",
        "ada, bob, cyd",
        "| pairs | 32 |",
        "| margin | 0.25 |",
        "| lora_r | 16 |",
        "## Limits",
    ):
        assert part in card


@pytest.mark.parametrize(
    "settings",
    [
        {"graph_features": "shuffled", "gnn": "sage"},
        {"graph_features": "reversed", "gnn": "gat"},
        {"graph_features": "none", "pairs": "reference", "weight": ("flip=0.5",)},
    ],
)
def test_an_ablation_is_trained_and_told(distill: Callable[..., DistillResult], settings: dict[str, Any]) -> None:
    result = distill(**settings)
    card = (result.folder / "README.md").read_text()
    assert set(result.losses) >= {"loss", "next-token", "margin", "node"}
    assert ("flip" in result.losses) == ("weight" in settings)
    for name, value in {"pairs": "all", **settings}.items():
        assert name == "weight" or f"| {name} | {value} |" in card


def test_reference_pairs_are_fewer_than_all(distill: Callable[..., DistillResult]) -> None:
    assert distill(pairs="reference").counts["pairs"] == 4 * 4


def test_a_complete_student_is_returned_and_not_trained_again(distill: Callable[..., DistillResult]) -> None:
    first, report = distill(), Heard()
    assert distill(report=report) == first
    assert report.steps == []
    assert "is complete" in report.notes[0]


def test_other_graphs_under_the_same_settings_are_refused(distill: Callable[..., DistillResult]) -> None:
    distill()
    with pytest.raises(DataProblem, match="graphs_sha256"):
        distill(graphs=GRAPHS[:3])


def test_a_stopped_run_goes_on_where_its_checkpoint_is(distill: Callable[..., DistillResult]) -> None:
    with pytest.raises(KeyboardInterrupt):
        distill(max_steps=4, report=StoppedAfter(2))
    report = Heard()
    result = distill(max_steps=4, report=report)
    assert report.told == ["continuing from checkpoint-2 of 4 steps"]
    assert len(report.steps) == result.counts["steps"] == 4


def test_a_stopped_run_starts_over_when_told_to(distill: Callable[..., DistillResult]) -> None:
    with pytest.raises(KeyboardInterrupt):
        distill(max_steps=4, report=StoppedAfter(2))
    report = Heard()
    assert distill(max_steps=4, report=report, resume="never").counts["steps"] == 4
    assert report.told == []


def test_several_files_and_folders_make_one_student(tiny: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "one.jsonl", GRAPHS[:1])
    write_records(tmp_path / "two" / "graphs.jsonl", GRAPHS[1:])
    sources = (tmp_path / "one.jsonl", tmp_path / "two")
    result = run(DistillConfig(run_dir=tmp_path, student=str(tiny), graphs=sources, max_steps=1), Heard())
    assert result.counts["examples"] == 4


def test_the_mixture_of_several_tasks_is_said_told_and_kept(tiny: Path, tmp_path: Path) -> None:
    other = [replace(made, problem=replace(made.problem, task="svamp")) for made in GRAPHS[3:]]
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    write_records(one, GRAPHS[:3])
    write_records(two, other)
    report = Heard()
    config = DistillConfig(run_dir=tmp_path, student=str(tiny), graphs=(one, two), mixture="equal", max_steps=1)
    result = run(config, report)
    assert report.told == [
        f"equal mixture, an epoch: arithmetic 50% (3 examples of {one}, 0.67 times), "
        f"svamp 50% (1 examples of {two}, 2 times)"
    ]
    assert [(row.source, row.task, row.graphs, row.share) for row in result.mixture] == [
        (str(one), "arithmetic", 3, 0.5),
        (str(two), "svamp", 1, 0.5),
    ]
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert [(row["task"], row["examples"], row["passes"]) for row in manifest["mixture"]] == [
        ("arithmetic", 3, pytest.approx(2 / 3)),
        ("svamp", 1, 2.0),
    ]


def test_single_teacher_takes_the_most_accurate_seat_and_says_so(distill: Callable[..., DistillResult]) -> None:
    report = Heard()
    result = distill(graphs=(graph(["--+"]), graph(["+-+"], number=2)), level="sit", report=report)
    assert result.teachers == ("cyd",)
    assert result.counts["nodes"] == 2
    assert report.told == ["learning from cyd, most often right alone of ada, bob, cyd"]


def test_single_teacher_takes_the_seat_it_is_given(distill: Callable[..., DistillResult]) -> None:
    result = distill(graphs=(graph(["--+"]), graph(["+-+"], number=2)), level="sit", teacher="ada")
    assert (result.teachers, result.counts["nodes"]) == (("ada",), 1)


def test_a_teacher_without_a_seat_is_refused(distill: Callable[..., DistillResult]) -> None:
    with pytest.raises(UnknownName, match="no teacher named 'adda'; close: ada"):
        distill(level="sit", teacher="adda")


def test_long_nodes_are_left_out_and_counted(distill: Callable[..., DistillResult]) -> None:
    long = graph(["+-"], number=9, texts=["A long way to say it. " * 30, "Short."])
    report = Heard()
    result = distill(graphs=(*GRAPHS, long), max_length=400, report=report)
    assert result.counts["dropped_nodes"] == 1
    assert report.warnings == ["1 nodes are longer than --max-length 400 and were left out"]


def test_nodes_that_are_all_too_long_are_a_data_problem(distill: Callable[..., DistillResult]) -> None:
    with pytest.raises(DataProblem, match="all 24 nodes are longer than --max-length 10"):
        distill(max_length=10)


def test_a_level_without_material_ends_before_any_model_is_loaded(tmp_path: Path) -> None:
    write_records(tmp_path / "graphs" / "graphs.jsonl", [graph(["+++"])])
    with pytest.raises(DataProblem, match="level graph needs incorrect nodes; 0 of 3 found"):
        run(DistillConfig(run_dir=tmp_path, student="no/such"), Heard())


def test_a_run_without_graphs_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="run magdi build-graph first"):
        run(DistillConfig(run_dir=tmp_path), Heard())


def test_running_out_of_memory_names_flags_with_values(
    distill: Callable[..., DistillResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magdi_cli.distill.stage.train", lambda *given, **also: torch.empty(2**60))
    with pytest.raises(
        EnvironmentProblem, match=r"out of memory .*; try --tokens-per-pass \d+ \(now 2048\), or --grad"
    ):
        distill()


def test_the_number_type_is_told_with_its_reason(distill: Callable[..., DistillResult]) -> None:
    report = Heard()
    distill(report=report, dtype="fp32")
    assert "computing in float32: as asked" in report.notes


def test_a_tracker_that_is_not_installed_ends_the_command_before_the_graphs_are_read(tmp_path: Path) -> None:
    missing = next(name for name in TRACKERS if not find_spec(name))
    with pytest.raises(EnvironmentProblem, match=f"pip install {missing}"):
        run(DistillConfig(run_dir=tmp_path, report_to=(missing,)), Heard())


def test_damaged_weights_of_a_base_are_told_as_such_and_another_base_may_follow(
    tiny: Path, tmp_path: Path, distill: Callable[..., DistillResult]
) -> None:
    damaged = Path(shutil.copytree(tiny, tmp_path / "damaged"))
    (damaged / "model.safetensors").write_bytes(b"cut off")
    write_records(tmp_path / "graphs" / "graphs.jsonl", GRAPHS)
    with pytest.raises(DataProblem, match=r"weights in .*damaged are damaged"):
        run(DistillConfig(run_dir=tmp_path, student=str(damaged), max_steps=2), Heard())
    assert distill().base == str(tiny)


def test_a_run_with_nodes_longer_than_the_context_ends_before_training(distill: Callable[..., DistillResult]) -> None:
    long = graph(["-+"], texts=["word " * 500, "No."])
    with pytest.raises(UsageProblem, match="--max-length 2048 leaves out"):
        distill((long,), max_length=4096)
