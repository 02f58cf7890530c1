"""What the tests of the importers share."""

from collections.abc import Callable, Iterator
from pathlib import Path

from magdi_cli.build_graph.importing.found import Faulty, Found, Imported, Sources


def found_in(
    importer: Callable[[Sources], Iterator[Found]],
    *paths: Path,
    task: str | None = None,
    notes: list[str] | None = None,
) -> list[Found]:
    """Everything that an importer finds."""
    return list(importer(Sources(paths=paths, task=task, note=(notes if notes is not None else []).append)))


def only(found: list[Found]) -> Imported:
    """The one debate that was found."""
    (one,) = found
    assert isinstance(one, Imported), one
    return one


def faults(found: list[Found]) -> list[str]:
    """All faults that were found."""
    return [fault for one in found if isinstance(one, Faulty) for fault in one.faults]


def seats(found: Imported) -> list[tuple[str, int, str | None]]:
    """Who spoke in which round, and what they answered."""
    return [(turn.agent, turn.round, turn.answer) for turn in found.debate.turns]


def heard(found: Imported) -> list[tuple[int, ...]]:
    """What each turn heard."""
    return [turn.parents for turn in found.debate.turns]
