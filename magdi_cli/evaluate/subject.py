"""Who is evaluated: a student of the run, its base, an adapter folder, or any model."""

import json
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.config import EvaluateConfig
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.core.level import LEVELS, level_named
from magdi_cli.core.records import sha256
from magdi_cli.engines.weights import ResolvedModel, resolve_model

BASE = "base"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER = "adapter_model.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A model under evaluation."""

    name: str
    """What its evaluation is filed under."""
    model: ResolvedModel
    adapter: Path | None = None
    """Folder in PEFT layout, put on top of `model`."""

    def fingerprint(self) -> str:
        """What its answers depend on: the model's name, and the adapter's weights."""
        weights = f"+{sha256(self.adapter / ADAPTER)}" if self.adapter else ""
        return self.model.hub_id + weights


def find_subject(config: EvaluateConfig) -> Subject:
    """The subject that `--student` names; by default the run's newest student."""
    students = config.run_dir / "students"
    name = config.student
    if name is None:
        return _student(_newest(students))
    if name == BASE:
        return Subject(name=BASE, model=resolve_model(_base_of_run(students)))
    if config.engine == "api":
        return Subject(name=_file_name(name), model=ResolvedModel(path=name, hub_id=name))
    if (folder := Path(name)).is_dir():
        return _student(folder) if (folder / ADAPTER_CONFIG).exists() else _model(name, folder.resolve().name)
    if (students / name / ADAPTER_CONFIG).exists():
        return _student(students / name)
    try:
        level = level_named(name).name
    except UnknownName:
        return _model(name, _file_name(name))
    if not (students / level / ADAPTER_CONFIG).exists():
        raise DataProblem(f"no student {students / level}; run magdi distill --level {level} first")
    return _student(students / level)


def subject_name(config: EvaluateConfig) -> str:
    """What the subject's evaluations are filed under, whether or not the model itself is at hand."""
    name = config.student
    if name is None:
        return _newest(config.run_dir / "students").name
    if Path(name).is_dir():
        return Path(name).resolve().name
    try:
        return level_named(name).name
    except UnknownName:
        return _file_name(name)


def _student(folder: Path) -> Subject:
    return Subject(name=folder.resolve().name, model=resolve_model(_base_of(folder)), adapter=folder)


def _model(name: str, filed_under: str) -> Subject:
    try:
        return Subject(name=filed_under, model=resolve_model(name))
    except UnknownName:
        levels = [known for level in LEVELS.values() for known in (level.name, *level.aliases)]
        raise UnknownName("student, folder or model", name, [BASE, *levels]) from None


def _newest(students: Path) -> Path:
    manifests = sorted(students.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    if not manifests:
        raise DataProblem(f"no student in {students}; run magdi distill first, or give --student base or a model")
    return manifests[-1].parent


def _base_of_run(students: Path) -> str:
    """The model that the run's students are made of; the default one where there are none yet."""
    try:
        return _base_of(_newest(students))
    except DataProblem:
        return DistillConfig().student


def _base_of(adapter: Path) -> str:
    base: str = json.loads((adapter / ADAPTER_CONFIG).read_bytes())["base_model_name_or_path"]
    return base


def _file_name(name: str) -> str:
    return name.replace("/", "--").strip("-.")
