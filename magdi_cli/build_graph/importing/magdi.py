"""Our own `debates.jsonl`."""

from collections.abc import Iterator
from typing import Any

from magdi_cli.build_graph.importing.found import Faulty, Found, Imported, Sources
from magdi_cli.build_graph.importing.lines import Line, read_lines
from magdi_cli.build_graph.validate import Outline, Spoke, cut, violations
from magdi_cli.core.debate import Debate
from magdi_cli.core.records import BadRecord, decode
from magdi_cli.tasks.rows import BadRow


def debates(sources: Sources) -> Iterator[Found]:
    """The debates of files in our own layout."""
    for path in sources.paths:
        for line in read_lines(path):
            try:
                yield Imported(debate=decode(Debate, line.raw, line.where), where=line.where, lines=(line.raw,))
            except BadRecord as error:
                yield _faulty(line, error)


def _faulty(line: Line, error: BadRecord) -> Faulty:
    """All that is wrong with a line: its fields, and what its turns would be as a graph."""
    try:
        record = line.value()
    except BadRow as fault:
        return Faulty(where=line.where, faults=(str(fault),), lines=(line.raw,))
    name = _problem_id(record)
    drawn = _outline(record.get("turns"))
    shape = [*_seating(record.get("agents"), drawn), *violations(drawn)] if drawn else []
    fields = () if error.fields_are_sound and shape else error.faults
    said = tuple(fault.removeprefix(f"problem {name!r}: ") for fault in (*fields, *shape))
    return Faulty(where=line.where, problem=name, faults=said, lines=(line.raw,))


def _problem_id(record: Any) -> str | None:
    problem = record.get("problem")
    found = problem.get("id") if isinstance(problem, dict) else None
    return found if isinstance(found, str) else None


def _outline(turns: object) -> Outline | None:
    """What can be said about turns that nobody has checked; None where they are not even turns."""
    if not isinstance(turns, list) or not all(_is_turn(turn) for turn in turns):
        return None
    return Outline(
        turns=[
            Spoke(
                agent=turn["agent"],
                round=turn["round"],
                empty=turn.get("answer") is None and not str(turn.get("text", "")).strip(),
                failed=turn.get("error") is not None,
            )
            for turn in turns
        ],
        edges=[(parent, index) for index, turn in enumerate(turns) for parent in turn.get("parents", ())],
    )


def _seating(agents: object, drawn: Outline) -> Iterator[str]:
    """Seats that are given twice, and speakers without one."""
    if isinstance(agents, list) and all(isinstance(agent, str) for agent in agents):
        yield from (f"{cut(agent)} has two seats" for agent in dict.fromkeys(agents) if agents.count(agent) > 1)
        speakers = dict.fromkeys(turn.agent for turn in drawn.turns)
        yield from (f"{cut(agent)} speaks, but has no seat" for agent in speakers if agent not in agents)


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and isinstance(turn.get("agent"), str)
        and isinstance(turn.get("round"), int)
        and isinstance(turn.get("parents", []), list)
        and all(isinstance(parent, int) for parent in turn.get("parents", []))
    )
