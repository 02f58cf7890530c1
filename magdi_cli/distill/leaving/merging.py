"""`magdi merge`: a student's adapter and its base become one plain Hugging Face model."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import torch
from transformers import AutoModelForCausalLM

from magdi_cli.core.artifact import GRAPHS, Artifact
from magdi_cli.core.config import MergeConfig
from magdi_cli.core.errors import DataProblem, EnvironmentProblem, UnknownName
from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import decode, replacing_folder, sha256
from magdi_cli.distill.leaving.agreement import Agreement, agreement, last_logits, texts_of
from magdi_cli.distill.leaving.card import CARD, merged_card
from magdi_cli.distill.leaving.curve import CURVE
from magdi_cli.engines.bars import without_bars
from magdi_cli.engines.merged import load_tokenizer, load_with_adapter, save_plain
from magdi_cli.engines.subject import ADAPTER, Subject, base_name, find_student, student_names
from magdi_cli.engines.weights import ResolvedModel, resolve_model, weight_files

KIND = "merged-student"
DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "bfloat16": torch.bfloat16,
        "bf16": torch.bfloat16,
        "float16": torch.float16,
        "fp16": torch.float16,
        "float32": torch.float32,
        "fp32": torch.float32,
    }
)
LIMITS: Mapping[torch.dtype, float] = MappingProxyType({torch.float32: 1e-3, torch.bfloat16: 0.25, torch.float16: 0.25})
"""Relative difference of the logits above which a merge went wrong; SmolLM2-135M in bfloat16 is 0.04 away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeResult:
    """The merged model, and how near it is to the student."""

    schema: Literal["magdi.merge-result/1"] = "magdi.merge-result/1"
    folder: Path
    student: Path
    """The adapter's folder."""
    base: str
    dtype: str
    parameters: int
    texts: int
    """Texts on which logits were compared."""
    logits: tuple[Agreement, ...]
    """The base alone, the sum, and the sum as it is in the folder: each against the base with the adapter on top."""


def run(config: MergeConfig, report: Report) -> MergeResult:
    """Write `STUDENT/merged`, or what `--to` names: whole and like the student, or not at all."""
    student = find_student(config.run_dir, config.student)
    if student is None:
        raise UnknownName("student or folder", str(config.student), student_names())
    base = _base(student, config.base)
    folder = config.to or student / "merged"
    _require_free(folder, force=config.force)
    report.note(f"adding {student} to {base.hub_id}, and comparing their logits before and after")
    with Artifact(kind="student", path=student).locked(), replacing_folder(folder) as partial:
        result = _merged(student, base, DTYPES[config.dtype], partial, folder)
        _warn_of_rounding(result, report)
        _describe(result, Subject(name=student.resolve().name, model=base, adapter=student), config, partial)
    return result


def _merged(student: Path, base: ResolvedModel, dtype: torch.dtype, partial: Path, folder: Path) -> MergeResult:
    tokenizer = load_tokenizer(base.path, student)
    texts = texts_of(_run_of(student) / "graphs" / GRAPHS, tokenizer)
    model = load_with_adapter(base.path, student)
    expected = last_logits(model, texts)
    with model.disable_adapter():
        alone = agreement("base alone", torch.float32, expected, last_logits(model, texts))
    if alone.largest == 0:
        raise DataProblem(f"the adapter {student} changes nothing: its base gives the same logits without it")
    model = model.merge_and_unload()
    exact = agreement("merged", torch.float32, expected, last_logits(model, texts))
    _require_agreement(exact, torch.float32)
    parameters = model.num_parameters()
    _require_room(partial, parameters * dtype.itemsize)
    save_plain(model, tokenizer, partial, dtype=dtype)
    del model
    with without_bars():
        written = AutoModelForCausalLM.from_pretrained(partial, dtype=dtype).eval()
    found = agreement("merged, as written", dtype, expected, last_logits(written, texts))
    _require_agreement(found, dtype)
    return MergeResult(
        folder=folder,
        student=student,
        base=base.hub_id,
        dtype=found.dtype,
        parameters=parameters,
        texts=len(texts),
        logits=(alone, exact, found),
    )


def _base(student: Path, given: str | None) -> ResolvedModel:
    """The model to merge into, under the name that the adapter gives it; refused where it is another one."""
    name = base_name(student)
    model = resolve_model(given or name)
    manifest = Artifact(kind="student", path=student).manifest() or {"inputs": []}
    trained_on = {file["sha256"] for file in manifest["inputs"] if file["name"].endswith(".safetensors")}
    there = {sha256(path) for path in weight_files(model)} if trained_on else set()
    if there and there != trained_on:
        where = (
            f"you gave {given}; name that very model"
            if given
            else f"the weights in {model.path} are others; give theirs with --base"
        )
        raise DataProblem(f"adapter was trained on {name}, {where}")
    if not there and model.hub_id != name and not Path(model.path).is_dir():
        raise DataProblem(f"adapter was trained on {name}, you gave {given}; name that very model")
    return ResolvedModel(path=model.path, hub_id=name)


def _require_free(folder: Path, *, force: bool) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    manifest = Artifact(kind=KIND, path=folder).manifest() if folder.is_dir() else None
    if manifest is None or manifest["kind"] != KIND:
        raise DataProblem(f"{folder} holds something else than a merged student; name another folder with --to")
    if not force:
        raise DataProblem(f"{folder} is there already; --force replaces it, --to names another folder")


def _require_agreement(found: Agreement, dtype: torch.dtype) -> None:
    # written so that "not a number" is refused, too
    if not found.relative <= LIMITS[dtype]:
        way_out = "" if dtype == torch.float32 else "; --dtype float32 rounds nothing"
        raise DataProblem(
            f"{found.model} in {found.dtype}, the logits differ from the student's by {found.relative:.2g} of their "
            f"length, more than {LIMITS[dtype]:g}; nothing was written{way_out}"
        )


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EnvironmentProblem(
            f"the model needs {needed / 1e6:,.1f} MB, and {folder.parent} has {free / 1e6:,.1f} MB free; "
            "make room, or name another folder with --to"
        )


def _warn_of_rounding(result: MergeResult, report: Report) -> None:
    alone, _, written = result.logits
    if written.relative >= alone.relative:
        report.warn(
            f"rounding to {written.dtype} moves the logits as far as the adapter does; --dtype float32 keeps what it "
            "learned"
        )


def _describe(result: MergeResult, subject: Subject, config: MergeConfig, partial: Path) -> None:
    """Add the card, the loss curve and, last, the manifest."""
    card = merged_card(
        _text(result.student / CARD),
        name=result.folder.resolve().name,
        base=result.base,
        logits=result.logits,
        evaluations=_evaluations(subject, _run_of(result.student)),
    )
    (partial / CARD).write_text(card, encoding="utf-8")
    if (result.student / CURVE).exists():
        shutil.copyfile(result.student / CURVE, partial / CURVE)
    counts = {"parameters": result.parameters, "texts": result.texts}
    facts = {"student": subject.fingerprint()}
    Artifact(kind=KIND, path=partial).complete(config, inputs=[result.student / ADAPTER], counts=counts, **facts)


def _evaluations(subject: Subject, run_dir: Path) -> list[Evaluation]:
    """The run's evaluations of these very weights."""
    found = []
    for path in sorted((run_dir / "evaluations").glob(f"{subject.name}--*/evaluation.json")):
        manifest = Artifact(kind="evaluation", path=path.parent).manifest()
        if manifest is not None and manifest["identity"].get("subject") == subject.fingerprint():
            found.append(decode(Evaluation, path.read_bytes(), str(path)))
    return found


def _run_of(student: Path) -> Path:
    """The run directory that a student's folder lies in."""
    return student.resolve().parent.parent


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
