"""Which debates become graphs, and what happens to the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.importing.found import Faulty, Found, Imported
from magdi_cli.build_graph.validate import cut, outline, violations
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import encode
from magdi_cli.tasks.answers import verify

MOST_SHOWN = 20
"""Faults that are told one by one; the rest is counted."""
LONGEST_SHOWN = 400
"""Characters of a fault that are shown."""

Policy = Literal["fail", "drop", "quarantine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantined:
    """A record that made no valid graph, kept for whoever mends it."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.quarantine/1"] = "magdi.quarantine/1"
    where: str
    problem: str | None
    faults: tuple[str, ...]
    line: str
    """The record as it stood; bytes that are not UTF-8 are written as `\\xff`."""


class Admission:
    """Makes graphs of valid debates; `policy` decides what becomes of the others."""

    def __init__(self, policy: Policy, warn: Callable[[str], None], quarantine: Callable[[bytes], None]) -> None:
        self._policy, self._warn, self._quarantine = policy, warn, quarantine
        self._places: dict[str, str] = {}
        self._shown: list[str] = []
        self.refused = 0
        """Records that made no valid graph."""
        self._faults = 0

    def graph(self, found: Found) -> InteractionGraph | None:
        """The valid graph of what was found; None where it makes none."""
        refusal = found if isinstance(found, Faulty) else self._refusal(found)
        if refusal is None and isinstance(found, Imported):
            return build_graph(found.debate, _judge)
        if refusal is not None:
            self._refuse(refusal)
        return None

    @property
    def in_vain(self) -> bool:
        """Whether nothing will come of the graphs, so that only the faults are still worth finding."""
        return self._policy == "fail" and self.refused > 0

    def conclude(self) -> None:
        """Raise `DataProblem` with what was wrong, where that is the policy."""
        if self._policy == "fail" and self._faults:
            raise DataProblem(f"{self._list()}; --on-invalid drop leaves such debates out, quarantine keeps them aside")
        if more := self._faults - len(self._shown):
            self._warn(f"and {more} more faults")

    def _refusal(self, found: Imported) -> Faulty | None:
        """What is wrong with a debate; its id is taken from now on."""
        name = found.debate.problem.id
        faults = violations(outline(found.debate))
        if name in self._places:
            faults.append(f"the id repeats that of {self._places[name]}")
        self._places.setdefault(name, found.where)
        if not faults:
            return None
        return Faulty(where=found.where, problem=name, faults=tuple(faults), lines=found.lines)

    def _refuse(self, faulty: Faulty) -> None:
        self.refused += 1
        for fault in faulty.faults:
            self._faults += 1
            if self._faults <= MOST_SHOWN:
                self._tell(_told(faulty, fault))
        if self._policy == "quarantine":
            self._quarantine(encode(_quarantined(faulty)))

    def _tell(self, message: str) -> None:
        self._shown.append(message)
        if self._policy != "fail":
            self._warn(f"{'dropped' if self._policy == 'drop' else 'quarantined'} {message}")

    def _list(self) -> str:
        more = self._faults - len(self._shown)
        return "\n".join([*self._shown, *([f"and {more} more faults"] if more else [])])


def _told(faulty: Faulty, fault: str) -> str:
    about = f"problem {cut(repr(faulty.problem), LONGEST_SHOWN)}: " if faulty.problem else ""
    return f"{cut(faulty.where, LONGEST_SHOWN)}: {about}{cut(fault, LONGEST_SHOWN)}"


def _quarantined(faulty: Faulty) -> Quarantined:
    lines = b"\n".join(line.rstrip(b"\n") for line in faulty.lines)
    return Quarantined(
        where=faulty.where,
        problem=faulty.problem,
        faults=faulty.faults,
        line=lines.decode("utf-8", errors="backslashreplace"),
    )


def _judge(answer: Answer | None, problem: Problem) -> bool:
    return verify(answer, problem).correct
