"""`predictions.jsonl`: a line a problem, appended as soon as it is answered, so that a kill loses none."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.flow import Emit
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import decode, encode, repair_tail, replacing

Problems = Mapping[str, Problem]
"""By id."""


@dataclass(kw_only=True, slots=True)
class Store:
    """The predictions of one subject on one task; they come in any order and end in the problems' order."""

    path: Path
    seen: Callable[[Prediction], None]
    """Called with every prediction, those of an earlier run included."""
    emit: Emit
    """Called with every prediction's line, likewise."""
    _lines: dict[str, slice] = field(default_factory=dict)
    """Where the line of each problem is, in bytes; in the file's order."""

    @property
    def answered(self) -> frozenset[str]:
        """The ids of the problems that need no more work."""
        return frozenset(self._lines)

    def take_up(self, asked: Problems, known: Callable[[], Problems]) -> tuple[int, int]:
        """Go on from what an earlier run left; the bytes of a torn last line, and the lines that are of no use.

        Of no use are problems without a reply, those that have changed, and those that are not `known` any more.
        What was answered beyond the problems asked for is kept.
        """
        torn = repair_tail(self.path)
        dropped, everything = 0, None
        for where, prediction in self._stored():
            problem = prediction.problem
            if problem.id not in asked and everything is None:
                everything = known()
            fresh = asked.get(problem.id) or (everything or {}).get(problem.id)
            if prediction.samples and problem == fresh and problem.id not in self._lines:
                self._lines[problem.id] = where
                self.seen(prediction)
                self.emit(encode(prediction))
            else:
                dropped += 1
        if dropped:
            self._rewrite(self._lines)
        return torn, dropped

    async def extend(self, predictions: AsyncGenerator[Prediction, None]) -> None:
        """Append each prediction as it comes."""
        with self.path.open("ab") as handle:
            async with aclosing(predictions) as coming:
                async for prediction in coming:
                    line = encode(prediction)
                    start = handle.tell()
                    handle.write(line)
                    handle.flush()
                    self._lines[prediction.problem.id] = slice(start, start + len(line))
                    self.emit(line)
                    self.seen(prediction)

    def put_in_order(self, problems: Iterable[str]) -> None:
        """Sort the file by the problems' order; lines beyond them stay behind."""
        first = (problem for problem in problems if problem in self._lines)
        wanted = list(dict.fromkeys((*first, *self._lines)))
        if wanted != list(self._lines):
            self._rewrite(wanted)

    def _stored(self) -> Iterator[tuple[slice, Prediction]]:
        if not self.path.exists():
            return
        start = 0
        with self.path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                where = slice(start, start + len(line))
                start = where.stop
                if line.strip():
                    yield where, decode(Prediction, line, f"{self.path}:{number}")

    def _rewrite(self, wanted: Iterable[str]) -> None:
        moved: dict[str, slice] = {}
        with self.path.open("rb") as stored, replacing(self.path) as handle:
            for problem in wanted:
                line = self._lines[problem]
                stored.seek(line.start)
                moved[problem] = slice(handle.tell(), handle.tell() + line.stop - line.start)
                handle.write(stored.read(line.stop - line.start))
        self._lines = moved
