"""How the samples of an evaluation were drawn, as the manifest beside it tells."""

from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.artifact import Artifact


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """The settings of a model that answered."""

    temperature: float
    max_tokens: int
    limit: int
    """Problems at most; 0 for the whole split."""
    model: str | None
    """The model's name, with the digest of the adapter on top behind a `+`."""


def how_drawn(folder: Path) -> Drawn | None:
    """How an evaluation's samples were drawn; None where nobody knows, as with another program's or a debate's."""
    manifest = Artifact(kind="evaluation", path=folder).manifest()
    settings = manifest["config"] if manifest else {}
    if manifest is None or settings.get("rescore") or settings.get("debates"):
        return None
    return Drawn(
        temperature=temperature_of(settings["temperature"], settings["self_consistency"]),
        max_tokens=settings["max_tokens"],
        limit=settings["limit"],
        model=manifest["identity"].get("subject"),
    )


def temperature_of(given: float | None, samples: int) -> float:
    """The temperature that a setting comes to: where it was not given, greedy once, or 0.7 for several samples."""
    return given if given is not None else (0.0 if samples == 1 else 0.7)
