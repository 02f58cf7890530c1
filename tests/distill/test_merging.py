import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.config import MergeConfig
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.core.records import write_records
from magdi_cli.distill.leaving.merging import MergeResult, run
from magdi_cli.distill.stage import run as distill
from tests.commands import MAGDI, clean
from tests.distill.graphs import graph
from tests.reports import Heard
from tests.tiny_student import build

GRAPHS = tuple(graph(["-++", "+-+"], number=n) for n in range(1, 5))
SPOKEN = {"temperature": 0.3, "do_sample": False, "max_new_tokens": 77, "eos_token_id": 1}
"""Generation settings as models are published with, and which transformers refuses to save."""


def train(run_dir: Path, base: Path, **settings: Any) -> Path:
    write_records(run_dir / "graphs" / "graphs.jsonl", GRAPHS)
    plan = {"learning_rate": 0.05, "max_steps": 3, "batch_size": 2, "level": "correct-nodes"} | settings
    return distill(DistillConfig(run_dir=run_dir, student=str(base), **plan), Heard()).folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build(tmp_path_factory.mktemp("base"))
    (folder / "generation_config.json").write_text(json.dumps(SPOKEN))
    return folder


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with one student."""
    run_dir = tmp_path_factory.mktemp("run")
    train(run_dir, base)
    return run_dir


@pytest.fixture
def run_dir(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to merge in."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def merge(run_dir: Path, report: Heard | None = None, **settings: Any) -> MergeResult:
    return run(MergeConfig(run_dir=run_dir, **settings), report or Heard())


@pytest.fixture
def merged(run_dir: Path) -> MergeResult:
    return merge(run_dir, dtype="float32")


def ids_for(base: Path) -> torch.Tensor:
    tokenizer = AutoTokenizer.from_pretrained(base)
    return torch.tensor([tokenizer.apply_chat_template([{"role": "user", "content": "2 + 2?"}], return_dict=False)])


def loaded(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def test_a_merge_has_an_effect_and_equals_base_and_adapter(base: Path, merged: MergeResult) -> None:
    ids = ids_for(base)
    plain = loaded(base)(ids).logits
    adapted = PeftModel.from_pretrained(loaded(base), merged.student).eval()(ids).logits
    found = loaded(merged.folder)(ids).logits
    assert (found - adapted).norm() < 1e-3 * adapted.norm()
    assert (found - plain).norm() > 0.1 * plain.norm()


@torch.no_grad()
def test_a_merged_model_writes_what_the_student_writes(base: Path, merged: MergeResult) -> None:
    ids = ids_for(base)
    settings = {"max_new_tokens": 24, "do_sample": False, "temperature": None, "pad_token_id": 0}
    adapted = PeftModel.from_pretrained(loaded(base), merged.student).eval()
    expected = adapted.generate(input_ids=ids, **settings)
    assert torch.equal(loaded(merged.folder).generate(input_ids=ids, **settings), expected)
    assert not torch.equal(loaded(base).generate(input_ids=ids, **settings), expected)


@pytest.mark.parametrize(
    ("dtype", "stored"), [("bfloat16", "bfloat16"), ("bf16", "bfloat16"), ("fp16", "float16"), ("float32", "float32")]
)
def test_weights_have_the_number_type_asked_for_and_agree(run_dir: Path, dtype: str, stored: str) -> None:
    result = merge(run_dir, dtype=dtype)
    tensors = load_file(result.folder / "model.safetensors")
    assert {str(tensor.dtype) for tensor in tensors.values()} == {f"torch.{stored}"}
    assert AutoConfig.from_pretrained(result.folder).dtype == getattr(torch, stored)
    alone, exact, written = result.logits
    assert exact.relative < 1e-3 < 0.1 < alone.relative
    assert (written.dtype, written.relative < 0.02, written.same_token > 0.9) == (stored, True, True)
    assert (result.dtype, result.texts) == (stored, 4)


def test_embeddings_stay_tied_where_they_were(merged: MergeResult) -> None:
    assert "lm_head.weight" not in load_file(merged.folder / "model.safetensors")
    model = loaded(merged.folder)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert merged.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_embeddings_stay_apart_where_they_were(tmp_path: Path) -> None:
    base = build(tmp_path / "base")
    LlamaForCausalLM(AutoConfig.from_pretrained(base, tie_word_embeddings=False)).save_pretrained(base)
    train(tmp_path, base)
    stored = load_file(merge(tmp_path).folder / "model.safetensors")
    assert not torch.equal(stored["lm_head.weight"], stored["model.embed_tokens.weight"])


def test_tokenizer_template_and_generation_settings_are_kept(base: Path, merged: MergeResult) -> None:
    before, after = AutoTokenizer.from_pretrained(base), AutoTokenizer.from_pretrained(merged.folder)
    assert after.chat_template == before.chat_template
    assert after.get_vocab() == before.get_vocab()
    assert after("So 2 + 2 = 4.")["input_ids"] == before("So 2 + 2 = 4.")["input_ids"]
    stored = json.loads((merged.folder / "generation_config.json").read_text())
    assert stored.items() >= {name: value for name, value in SPOKEN.items() if value is not False}.items()
    settings = loaded(merged.folder).generation_config
    assert {name: getattr(settings, name) for name in SPOKEN} == SPOKEN


def test_a_merged_folder_is_complete_plain_and_readable(merged: MergeResult, run_dir: Path) -> None:
    assert {path.name for path in merged.folder.iterdir()} == {
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "loss.png",
        "manifest.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert len({path.stat().st_mode for path in merged.folder.iterdir()}) == 1
    assert merged.folder == run_dir / "students" / "correct-nodes" / "merged"
    manifest = Artifact(kind="merged-student", path=merged.folder).manifest()
    assert manifest is not None
    assert manifest["inputs"][0]["name"] == "adapter_model.safetensors"


def test_a_student_may_be_a_level_a_folder_or_the_newest(run_dir: Path, tmp_path: Path) -> None:
    newest = merge(run_dir, to=tmp_path / "newest")
    level = merge(run_dir, student="cn", to=tmp_path / "level")
    folder = merge(tmp_path, student=str(newest.student), to=tmp_path / "folder")
    assert newest.logits == level.logits == folder.logits


@pytest.mark.parametrize(("student", "error"), [("gpraph", UnknownName), ("graph", DataProblem), ("base", UnknownName)])
def test_what_is_no_student_is_refused(run_dir: Path, student: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="graph"):
        merge(run_dir, student=student)


def test_an_earlier_merge_is_replaced_only_by_force(run_dir: Path, merged: MergeResult) -> None:
    with pytest.raises(DataProblem, match="--force replaces it"):
        merge(run_dir, dtype="bf16")
    assert merge(run_dir, dtype="bf16", force=True).dtype == "bfloat16"
    assert AutoConfig.from_pretrained(merged.folder).dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_no_force_replaces_somebodys_folder(run_dir: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / name).write_text('{"kind": "student"}')
    with pytest.raises(DataProblem, match="something else than a merged student"):
        merge(run_dir, to=mine, force=True)
    assert [path.name for path in mine.iterdir()] == [name]


def left(run_dir: Path) -> list[str]:
    return [path.name for path in (run_dir / "students" / "correct-nodes").glob("merged*")]


def test_a_number_type_that_cannot_hold_the_weights_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    base = build(tmp_path / "base")
    model = loaded(base)
    with torch.no_grad():
        model.model.embed_tokens.weight[3:] *= 1e7
    model.config.tie_word_embeddings = False
    model.save_pretrained(base)
    train(tmp_path, base)
    with pytest.raises(DataProblem, match=r"as written in float16.*--dtype float32"):
        merge(tmp_path, dtype="float16")
    assert left(tmp_path) == []


def test_an_adapter_that_changes_nothing_is_refused(base: Path, tmp_path: Path) -> None:
    train(tmp_path, base, learning_rate=0.0)
    with pytest.raises(DataProblem, match="changes nothing"):
        merge(tmp_path)
    assert left(tmp_path) == []


def test_an_adapter_that_lacks_tensors_is_refused(run_dir: Path) -> None:
    path = run_dir / "students" / "correct-nodes" / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors.pop(next(name for name in tensors if "lora_B" in name))
    save_file(tensors, path)
    with pytest.raises(DataProblem, match="does not fit"):
        merge(run_dir)


def test_rounding_that_drowns_the_adapter_is_said(base: Path, tmp_path: Path) -> None:
    train(tmp_path, base, learning_rate=1e-6)
    quiet, loud = Heard(), Heard()
    merge(tmp_path, quiet, dtype="float32")
    merge(tmp_path, loud, dtype="bfloat16", force=True)
    assert quiet.warnings == []
    assert loud.warnings == [
        "rounding to bfloat16 moves the logits as far as the adapter does; --dtype float32 keeps what it learned"
    ]


def test_the_same_base_at_another_place_is_taken(run_dir: Path, base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "copy"))
    assert merge(run_dir, base=str(copy)).base == str(base)


@pytest.mark.parametrize("recorded", [True, False])
def test_another_base_is_refused(run_dir: Path, base: Path, tmp_path: Path, recorded: bool) -> None:
    other = build(tmp_path / "other")
    sizes = {} if recorded else {"intermediate_size": 128}
    LlamaForCausalLM(AutoConfig.from_pretrained(other, **sizes)).save_pretrained(other)
    if not recorded:
        (run_dir / "students" / "correct-nodes" / "manifest.json").unlink()
    said = f"adapter was trained on {base}, you gave {other}" if recorded else "does not fit"
    with pytest.raises(DataProblem, match=said):
        merge(run_dir, student="cn", base=str(other))
    assert left(run_dir) == []


def test_a_base_of_another_name_is_refused_without_being_fetched(run_dir: Path, base: Path) -> None:
    with pytest.raises(DataProblem, match=f"trained on {base}, you gave qwen2.5-0.5b"):
        merge(run_dir, base="qwen2.5-0.5b")


def test_a_base_that_has_changed_since_is_refused(tmp_path: Path) -> None:
    base = build(tmp_path / "base")
    train(tmp_path, base)
    LlamaForCausalLM(AutoConfig.from_pretrained(base)).save_pretrained(base)
    with pytest.raises(DataProblem, match=r"the weights in .* are others; give theirs with --base"):
        merge(tmp_path)


def test_a_quantised_base_is_refused(run_dir: Path, base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataProblem, match="stored quantised"):
        merge(run_dir, base=str(copy))


def test_a_killed_merge_leaves_nothing_that_looks_complete_and_the_next_one_is_whole(run_dir: Path) -> None:
    student = run_dir / "students" / "correct-nodes"
    card = (student / "README.md").read_text()
    (student / "README.md").unlink()
    # nobody writes into it: the merge waits here, its weights written and its manifest not
    os.mkfifo(student / "README.md")
    with subprocess.Popen([*MAGDI, "merge", "--run-dir", str(run_dir)], env=clean(), stdout=subprocess.PIPE) as process:
        while not (student / "merged.partial" / "model.safetensors").exists() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    assert left(run_dir) == ["merged.partial"]
    assert not (student / "merged.partial" / "manifest.json").exists()
    (student / "README.md").unlink()
    (student / "README.md").write_text(card)

    assert merge(run_dir).folder == student / "merged"
    assert left(run_dir) == ["merged"]
    assert (student / "merged" / "manifest.json").exists()
