"""What an importer finds in a file: debates, and records that make none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from magdi_cli.core.debate import Debate


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A debate and what its source says about it."""

    debate: Debate
    verdicts: Mapping[int, bool] = field(default_factory=dict)
    """The source's own right and wrong, by turn; only for turns it judges."""
    answers: Mapping[int, str | None] = field(default_factory=dict)
    """The source's own reading of those turns."""
    where: str = ""
    """The place it came from, such as `traces.jsonl:7`."""
    lines: tuple[bytes, ...] = ()
    """The lines it was made from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Faulty:
    """A record that makes no debate."""

    where: str
    problem: str | None = None
    """Id of the problem, where the record has one."""
    faults: tuple[str, ...]
    """Everything that is wrong with it, in words."""
    lines: tuple[bytes, ...] = ()


Found = Imported | Faulty


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The files to import from, and what to know about them."""

    paths: Sequence[Path]
    task: str | None = None
    """Task of problems that name none; None: told from the file's name."""
    note: Callable[[str], None]
    """Told what was decided where the files leave it open."""


Importer = Callable[[Sources], Iterator[Found]]
