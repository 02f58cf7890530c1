"""Splits that do not leak: a question and its near-duplicates are all on one side, or all left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from magdi_cli.build_graph.near import Groups, Likeness, Questions, plain_words
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.records import decode, encode, source_name
from magdi_cli.tasks.rows import BadRow, question_of
from magdi_cli.tasks.sources import read_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcludeCount:
    """What a file of held-out problems left out."""

    file: str
    questions: int
    """Different ones in the file."""
    exact: int
    """Graphs left out because their very question is in the file."""
    near: int
    """Graphs left out because nearly the same question is."""


class Exclusion:
    """Questions of a file that no graph may be about."""

    def __init__(self, path: Path) -> None:
        self._path, self._questions = path, Questions()
        self._counts: dict[Likeness, int] = {"exact": 0, "near": 0}
        for place, row in read_rows(path):
            try:
                if isinstance(row, BadRow):
                    raise row
                self._questions.add(question_of(row))
            except BadRow as fault:
                raise DataProblem(f"{source_name(path)}{place} {fault}") from None

    def excludes(self, graph: InteractionGraph) -> bool:
        """Whether a graph is about a question of the file; it is counted if so."""
        likeness = self._questions.likeness(graph.problem.question)
        if likeness is None:
            return False
        self._counts[likeness] += 1
        return True

    def count(self) -> ExcludeCount:
        """What was left out so far."""
        return ExcludeCount(file=str(self._path), questions=len(self._questions), **self._counts)


def sided(graphs: Iterable[InteractionGraph], share: float) -> Iterator[tuple[InteractionGraph, bool]]:
    """Each graph, and whether it is for validation.

    The side of a question depends on the hash of its words alone; of a group of near-duplicates, the
    smallest hash decides for all. With a share, graphs wait on disk until the last question is known.
    """
    if not share:
        yield from ((graph, False) for graph in graphs)
        return
    questions, groups = Questions(), Groups()
    smallest: list[float] = []
    with TemporaryFile() as waiting:
        numbers = []
        for graph in graphs:
            number, near = questions.add(graph.problem.question)
            groups.add(number, near)
            if number == len(smallest):
                smallest.append(position(graph.problem.question))
            numbers.append(number)
            waiting.write(encode(graph))
        for number, place in enumerate(smallest):
            leader = groups.leader(number)
            smallest[leader] = min(smallest[leader], place)
        waiting.seek(0)
        for number, line in zip(numbers, waiting, strict=True):
            yield decode(InteractionGraph, line, "graph"), smallest[groups.leader(number)] < share


def position(question: str) -> float:
    """Where a question falls between 0 and 1, whatever its case, punctuation and place in a file."""
    return int.from_bytes(sha256(" ".join(plain_words(question)).encode()).digest()[:6], "big") / 2**48
