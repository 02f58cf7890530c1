"""Splits that do not leak: a question and its near-duplicates are all on one side, or all left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from magdi_cli.build_graph.importing.inlined import options_in
from magdi_cli.build_graph.near import Groups, Likeness, Questions, plain_words
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Problem
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
    """Questions of a file that no graph may be about, whatever their options and wherever those stand."""

    def __init__(self, path: Path) -> None:
        self._path, self._questions, self._bare = path, Questions(), Questions()
        self._counts: dict[Likeness, int] = {"exact": 0, "near": 0}
        for place, row in read_rows(path):
            try:
                if isinstance(row, BadRow):
                    raise row
                self._add(question_of(row))
            except BadRow as fault:
                raise DataProblem(f"{source_name(path)}{place} {fault}") from None

    def excludes(self, graph: InteractionGraph) -> bool:
        """Whether a graph is about a question of the file; it is counted if so."""
        likeness = self._likeness(graph.problem)
        if likeness is None:
            return False
        self._counts[likeness] += 1
        return True

    def _add(self, question: str) -> None:
        self._questions.add(question)
        asked, options = options_in(question)
        if options:
            self._bare.add(asked)

    def _likeness(self, problem: Problem) -> Likeness | None:
        """The better of the likenesses as it stands, and with inlined options taken out of either question."""
        found = {self._questions.likeness(problem.question)}
        if problem.choices:
            found.add(self._bare.likeness(problem.question))
        elif (inlined := options_in(problem.question))[1]:
            found.add(self._questions.likeness(inlined[0]))
        return "exact" if "exact" in found else "near" if "near" in found else None

    def count(self) -> ExcludeCount:
        """What was left out so far."""
        return ExcludeCount(file=str(self._path), questions=len(self._questions), **self._counts)


def sided(graphs: Iterable[InteractionGraph], share: float) -> Iterator[tuple[InteractionGraph, bool]]:
    """Each graph, and whether it is for validation.

    The side of a question depends on the hash of its words alone; of a group of near-duplicates, a member
    drawn by another hash decides for all, so that large groups fall to either side as often as single
    questions. With a share, graphs wait on disk until the last question is known.
    """
    if not share:
        yield from ((graph, False) for graph in graphs)
        return
    questions, groups = Questions(), Groups()
    lots: list[tuple[bytes, float]] = []
    with TemporaryFile() as waiting:
        numbers = []
        for graph in graphs:
            number, near = questions.add(graph.problem.question)
            groups.add(number, near)
            if number == len(lots):
                lots.append(_lot(graph.problem.question))
            numbers.append(number)
            waiting.write(encode(graph))
        for number, lot in enumerate(lots):
            leader = groups.leader(number)
            lots[leader] = min(lots[leader], lot)
        waiting.seek(0)
        for number, line in zip(numbers, waiting, strict=True):
            yield decode(InteractionGraph, line, "graph"), lots[groups.leader(number)][1] < share


def _lot(question: str) -> tuple[bytes, float]:
    """What decides whose position counts for a group, and the position, from 0 to 1; both are the words' own."""
    digest = sha256(" ".join(plain_words(question)).encode()).digest()
    return digest[6:], int.from_bytes(digest[:6], "big") / 2**48
