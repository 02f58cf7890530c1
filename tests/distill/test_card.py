import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from huggingface_hub import ModelCard, metadata_load

from magdi_cli.cli.app import app
from magdi_cli.core.config import MergeConfig
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Prediction, Sample
from magdi_cli.core.options import arguments, resolved
from magdi_cli.core.records import encode, sha256, write_records
from magdi_cli.distill.leaving.card import Facts, model_card
from magdi_cli.distill.leaving.merging import run as merge
from magdi_cli.distill.lessons.lesson import prepare
from magdi_cli.distill.lessons.metrics import Answers, Validation
from magdi_cli.distill.lessons.settings import applied, levels_of
from magdi_cli.distill.stage import run as distill
from magdi_cli.engines.subject import find_subject
from magdi_cli.evaluate.stage import run as evaluate
from tests.distill.graphs import graph
from tests.reports import Heard
from tests.strategies import problem

FACTS = Facts(
    name="all-nodes--seed-2",
    base="HuggingFaceTB/SmolLM2-135M-Instruct",
    teachers=("ada", "bob|cyd"),
    tasks={"gsm8k": 3, "arithmetic": 1, "strategyqa": 2},
    sources={"a.jsonl": "0" * 64},
    counts={"steps": 2, "dropped_nodes": 0},
    losses={"loss": 1.5, "next-token": 1.25},
    validation=None,
)


def card(curve: bool = True, facts: Facts = FACTS, **settings: Any) -> str:
    config = applied(DistillConfig(**settings))
    return model_card(facts, levels_of(config)[0], config, curve=curve)


def test_the_hub_reads_the_metadata(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card())
    metadata = metadata_load(tmp_path / "README.md")
    assert metadata == {
        "base_model": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["lora", "magdi", "distillation", "multi-agent-debate"],
        "datasets": ["openai/gsm8k", "ChilleD/StrategyQA"],
    }
    assert ModelCard.load(tmp_path / "README.md").data.to_dict() == metadata


def test_a_folder_is_told_in_the_text_and_not_to_the_hub(tmp_path: Path) -> None:
    facts = Facts(**{name: getattr(FACTS, name) for name in Facts.__slots__} | {"base": str(tmp_path)})
    loaded = ModelCard(card(facts=facts))
    assert loaded.data.base_model is None
    assert str(tmp_path) in loaded.text


def test_the_card_tells_what_went_in_and_what_came_out() -> None:
    text = card(level="all-nodes", weight=("margin=0.25",))
    for part in (
        "# all-nodes student of HuggingFaceTB/SmolLM2-135M-Instruct",
        "ada, bob|cyd",
        "| graphs of gsm8k | 3 |",
        "| dropped nodes | 0 |",
        f"| a.jsonl | {'0' * 64} |",
        "| margin | 0.25 |",
        "| next-token | 1.2500 |",
        "](loss.png)",
        "`magdi evaluate --student all-nodes--seed-2 --run-dir runs/default`",
        "| lora_r | 16 |",
        "## Limits",
    ):
        assert part in text
    assert "loss.png" not in card(curve=False)


def typed(words: list[str]) -> DistillConfig:
    """The config that the command line makes of the words."""
    command = typer.main.get_command(app).commands["distill"]  # type: ignore[attr-defined]
    values = command.make_context("distill", words).params
    known = {name: values[name] for name in resolved(DistillConfig())}
    return DistillConfig(**{name: tuple(v) if isinstance(v, list) else v for name, v in known.items()})


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"recipe": "reference", "seed": 3},
        {"recipe": "reference", "epochs": 1.0},
        {"graphs": (Path("a b.jsonl"), Path("c")), "weight": ("margin=0.25", "node=2"), "run_dir": Path("my runs")},
        {"level": "sit", "teacher": "ada's", "learning_rate": 1e-06, "epochs": 0.5, "lora_targets": "q_proj,v_proj"},
    ],
)
def test_the_command_of_the_card_makes_the_same_settings(settings: dict[str, Any]) -> None:
    (line,) = [line for line in card(**settings).splitlines() if line.startswith("magdi distill")]
    words = shlex.split(line)
    assert words[:2] == ["magdi", "distill"]
    assert applied(typed(words[2:])) == applied(DistillConfig(**settings))
    assert len(words) - 2 <= 2 * sum(len(v) if isinstance(v, tuple) else 1 for v in settings.values())


def test_the_settings_of_the_card_are_those_of_training() -> None:
    assert "| learning_rate |" in card()
    assert not any(f"| {look} |" in card() for look in ("dry_run", "check_gradients", "run_dir"))


def test_the_card_tells_what_the_kept_student_was_worth_on_held_out_graphs() -> None:
    answers = Answers(n=4, correct=3, unanswered=0, accuracy=0.75, interval=(0.3, 0.95))
    kept = Validation(step=40, loss=0.8125, terms={"node": 0.5}, accuracy={}, answers=answers, seconds=1.0)
    told = card(facts=replace(FACTS, validation=kept))
    for row in (
        "kept after step | 40",
        "problems answered right | 3 of 4",
        "total loss | 0.8125",
        "node loss | 0.5000",
    ):
        assert f"| {row}" in told
    assert "## Validation" not in card()


def test_a_switch_is_typed_without_a_value() -> None:
    on, off = EvaluateConfig(rescore=True), EvaluateConfig(rescore=False)
    assert (arguments(on, off), arguments(off, on)) == (["--rescore"], ["--no-rescore"])


@pytest.fixture(scope="module")
def run_dir(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with a student."""
    folder = tmp_path_factory.mktemp("run")
    write_records(folder / "graphs" / "graphs.jsonl", [graph(["-++", "+-+"], number=n) for n in range(1, 5)])
    distill(config_for(folder, tiny), Heard())
    return folder


def config_for(folder: Path, tiny: Path) -> DistillConfig:
    return DistillConfig(run_dir=folder, student=str(tiny), max_steps=2, learning_rate=0.05)


def test_a_students_card_names_its_files_and_shows_its_curve(run_dir: Path, tiny: Path) -> None:
    text = (run_dir / "students" / "graph" / "README.md").read_text()
    graphs = run_dir / "graphs" / "graphs.jsonl"
    assert f"| {graphs} | {sha256(graphs)} |" in text
    assert "| graphs of arithmetic | 4 |" in text
    assert "](loss.png)" in text
    assert (run_dir / "students" / "graph" / "loss.png").read_bytes().startswith(b"\x89PNG")
    manifest = json.loads((run_dir / "students" / "graph" / "manifest.json").read_text())
    weights = {"name": "model.safetensors", "sha256": sha256(tiny / "model.safetensors")}
    assert weights in manifest["inputs"]
    assert prepare(config_for(run_dir, tiny), Heard())[0].facts["base"] == manifest["identity"]["base"]


def stored_predictions(run_dir: Path, subject: str, task: str) -> Path:
    folder = run_dir / "evaluations" / f"{subject}--{task}"
    folder.mkdir(parents=True)
    sample = Sample(text="So the answer is 4.", answer=None, completion_tokens=6)
    prediction = Prediction(problem=problem(), samples=(sample,), answer=None, correct=False)
    (folder / "predictions.jsonl").write_bytes(encode(prediction))
    evaluate(EvaluateConfig(run_dir=run_dir, student=subject, task=task, rescore=True), Heard(), lambda _: None)
    return folder


def test_a_merged_models_card_has_the_evaluations_of_those_very_weights(run_dir: Path) -> None:
    theirs = stored_predictions(run_dir, "graph", "gsm8k")
    mine = stored_predictions(run_dir, "graph", "toy")
    manifest = json.loads((mine / "manifest.json").read_text())
    manifest["identity"]["subject"] = find_subject(run_dir, "graph").fingerprint()
    (mine / "manifest.json").write_text(json.dumps(manifest))

    before = merge(MergeConfig(run_dir=run_dir, to=run_dir / "before", dtype="float32"), Heard())
    text = (before.folder / "README.md").read_text()
    assert theirs.exists()
    assert "| toy | test | 1 | 1 | 1.000 | 0.207 to 1.000 | 6.0 |" in text
    assert "gsm8k" not in text
    assert "None when this card was written" not in text
    metadata = metadata_load(before.folder / "README.md")
    assert metadata["library_name"] == "transformers"
    (result,) = ModelCard(text).data.eval_results
    assert (result.dataset_name, result.metric_type, result.metric_value) == ("toy", "accuracy", 1.0)


def test_a_merged_models_card_tells_how_near_it_is_and_keeps_the_students_facts(run_dir: Path) -> None:
    student = (run_dir / "students" / "graph" / "README.md").read_text()
    folder = merge(MergeConfig(run_dir=run_dir, to=run_dir / "after"), Heard()).folder
    text = (folder / "README.md").read_text()
    assert "| merged, as written | bfloat16 |" in text
    for title in ("Data", "Objectives", "Losses", "Command", "Settings", "Limits"):
        section = student.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip()
        assert section
        assert section in text
    assert (folder / "loss.png").exists()
    assert "AutoPeftModel" not in text
