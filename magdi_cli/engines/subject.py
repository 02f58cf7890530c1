"""Who is meant by a name: a student of the run, its base, an adapter folder, or any model."""

import json
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.core.level import LEVELS, level_named
from magdi_cli.core.records import sha256
from magdi_cli.engines.served import served_model
from magdi_cli.engines.weights import ResolvedModel, resolve_model

BASE = "base"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER = "adapter_model.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A model, with an adapter on top if it is a student."""

    name: str
    """What its evaluations are filed under."""
    model: ResolvedModel
    adapter: Path | None = None
    """Folder in PEFT layout, put on top of `model`."""
    trained_on: frozenset[str] | None = None
    """The tasks whose debates the student learned from; None where nothing is known of that."""

    def fingerprint(self) -> str:
        """What its answers depend on: the model's name, and the adapter's weights."""
        weights = f"+{sha256(self.adapter / ADAPTER)}" if self.adapter else ""
        return self.model.hub_id + weights


def find_subject(run_dir: Path, name: str | None, *, hosted: bool = False, api_base: str | None = None) -> Subject:
    """The subject of that name; the run's newest student where there is none. An API's model when `hosted`.

    With the address of a server, the name is that of a model it serves, and may be left out where that is one.
    """
    if api_base is not None:
        served = served_model(api_base, name)
        route = f"hosted_vllm/{served}?api_base={api_base}"
        return Subject(name=_file_name(served), model=ResolvedModel(path=route, hub_id=route))
    if name is not None and name != BASE and hosted:
        return Subject(name=_file_name(name), model=ResolvedModel(path=name, hub_id=name))
    if name == BASE:
        return Subject(name=BASE, model=resolve_model(_base_of_run(run_dir / "students")))
    if (student := find_student(run_dir, name)) is not None:
        return Subject(
            name=student.resolve().name,
            model=resolve_model(base_name(student)),
            adapter=student,
            trained_on=_tasks_of(student),
        )
    return _model(str(name), subject_name(run_dir, name))


def students_of(run_dir: Path) -> list[str]:
    """The names of the run's finished students, the oldest first."""
    return [manifest.parent.name for manifest in _manifests(run_dir / "students")]


def find_student(run_dir: Path, name: str | None) -> Path | None:
    """The adapter folder that a name stands for: itself, one of the run, or the newest; None for no student."""
    students = run_dir / "students"
    if name is None:
        return _newest(students)
    if (folder := Path(name)).is_dir():
        return folder if (folder / ADAPTER_CONFIG).exists() else None
    if (students / name / ADAPTER_CONFIG).exists():
        return students / name
    try:
        level = level_named(name).name
    except UnknownName:
        return None
    if not (students / level / ADAPTER_CONFIG).exists():
        raise DataProblem(f"no student {students / level}; run magdi distill --level {level} first")
    return students / level


def base_name(student: Path) -> str:
    """The model that an adapter folder says it belongs to."""
    try:
        name: str = json.loads((student / ADAPTER_CONFIG).read_bytes())["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError):
        raise DataProblem(f"{student / ADAPTER_CONFIG} is damaged or names no base model; train or copy anew") from None
    return name


def subject_name(run_dir: Path, name: str | None) -> str:
    """What the subject's evaluations are filed under, whether or not the model itself is at hand."""
    if name is None:
        return _newest(run_dir / "students").name
    if Path(name).is_dir():
        return Path(name).resolve().name
    try:
        return level_named(name).name
    except UnknownName:
        return _file_name(name)


def student_names() -> list[str]:
    """The levels, by every name a run's students go by."""
    return [known for level in LEVELS.values() for known in (level.name, *level.aliases)]


def _model(name: str, filed_under: str) -> Subject:
    try:
        return Subject(name=filed_under, model=resolve_model(name))
    except UnknownName:
        raise UnknownName("student, folder or model", name, [BASE, *student_names()]) from None


def _manifests(students: Path) -> list[Path]:
    return sorted(students.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)


def _newest(students: Path) -> Path:
    manifests = _manifests(students)
    if not manifests:
        raise DataProblem(f"no student in {students}; run magdi distill first, or name another model")
    return manifests[-1].parent


def _tasks_of(student: Path) -> frozenset[str] | None:
    """The tasks that a student's manifest names; None for an adapter that another program made."""
    try:
        mixture = json.loads((student / "manifest.json").read_bytes())["mixture"]
        return frozenset(row["task"] for row in mixture)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _base_of_run(students: Path) -> str:
    """The model that the run's students are made of; the default one where there are none yet."""
    try:
        return base_name(_newest(students))
    except DataProblem:
        return DistillConfig().student


def _file_name(name: str) -> str:
    return name.replace("/", "--").strip("-.")
