"""Model outputs by question: rows `{qid, question, options, gold, outputs: [{model, round, text, answer}]}`."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any

from magdi_cli.build_graph.importing import fields
from magdi_cli.build_graph.importing.assemble import (
    Spoken,
    assembled,
    last_words_before,
    read_answer,
    task_called,
    task_of_file,
)
from magdi_cli.build_graph.importing.fields import Row
from magdi_cli.build_graph.importing.found import Faulty, Found, Sources
from magdi_cli.build_graph.importing.lines import Line, read_lines
from magdi_cli.build_graph.importing.shelf import Shelf
from magdi_cli.core.problem import Problem
from magdi_cli.tasks.rows import BadRow, problem_from, question_id, question_of, text_of

VARIANTS = ("prompt", "style", "sample")
"""What tells apart several outputs of one model, in this order."""
SAME = ("question", "choices", "gold")
"""What rows about one question must agree on."""


def debates(sources: Sources) -> Iterator[Found]:
    """The debates of trace files.

    Rows without a debate are joined by their `qid`, over all files: their outputs become the seats of one
    graph of round 0, whose task is that of the first file. A row that is a debate (it has later rounds, agents,
    or says `debate`) stays one; each of its turns heard the last turn that every speaker gave in an earlier round.
    """
    with TemporaryFile() as file:
        shelf, crowd = Shelf(file), _Crowd()
        tasks: dict[str, str] = {}
        for path in sources.paths:
            task = sources.task or task_of_file(path)
            for line in read_lines(path):
                try:
                    row = line.value()
                    key = _key(row, line, crowd)
                    shelf.put(key, replace(line, raw=line.raw.strip()))
                    tasks.setdefault(key, task)
                except BadRow as fault:
                    yield Faulty(where=line.where, faults=(str(fault),), lines=(line.raw,))
        for task, lines in zip(tasks.values(), shelf.together(), strict=True):
            yield _found(lines, task, crowd.models)


class _Crowd:
    """Learns which models speak more than once about a question."""

    def __init__(self) -> None:
        self.models: set[str] = set()
        self._seen: set[int] = set()

    def watch(self, question: str, outputs: Sequence[Any]) -> None:
        """Note who speaks about a question."""
        for output in outputs:
            model = str(output.get("model")) if isinstance(output, dict) else ""
            speaker = hash((question, model))
            if speaker in self._seen:
                self.models.add(model)
            self._seen.add(speaker)


def _key(row: Row, line: Line, crowd: _Crowd) -> str:
    """What a row is joined by: its question, or its place where it is a debate and joins nothing."""
    if _is_debate(row):
        return line.where
    question = _question_name(row)
    crowd.watch(question, row["outputs"] if isinstance(row.get("outputs"), list) else ())
    return f"\0{question}"


def _is_debate(row: Row) -> bool:
    outputs = row.get("outputs")
    later = isinstance(outputs, list) and any(
        isinstance(output, dict) and (output.get("round") or output.get("agent")) for output in outputs
    )
    return later or bool(row.get("debate"))


def _question_name(row: Row) -> str:
    return text_of(row.get("qid"), "qid") or text_of(row.get("id"), "id") or question_id(question_of(row))


def _found(lines: Sequence[Line], task: str, crowd: Set[str]) -> Found:
    where = ", ".join(line.where for line in lines)
    name: str | None = None
    try:
        rows = [line.value() for line in lines]
        name = _name(rows[0])
        problem = _problem(rows, lines, task, name)
        imported = assembled(problem, _replies(rows, problem, crowd), last_words_before)
    except BadRow as fault:
        return Faulty(
            where=where, problem=name, faults=fields.faults_of(fault), lines=tuple(line.raw for line in lines)
        )
    return replace(imported, where=where, lines=tuple(line.raw for line in lines))


def _name(row: Row) -> str:
    return text_of(row.get("id"), "id") if _is_debate(row) and row.get("id") else _question_name(row)


def _problem(rows: Sequence[Row], lines: Sequence[Line], task: str, name: str) -> Problem:
    """The one problem that all rows are about."""
    problems = [problem_from(_translated(row, name), task) for row in rows]
    first = problems[0]
    faults = [
        f"its {key} in {line.where} is not that of {lines[0].where}"
        for problem, line in zip(problems[1:], lines[1:], strict=True)
        for key in SAME
        if getattr(problem, key) != getattr(first, key)
    ]
    if faults:
        raise fields.ManyFaults(faults)
    return first


def _translated(row: Row, name: str) -> Row:
    """The row as a row of a problem file; `split` and `qid` are kept beside it."""
    task = text_of(row.get("dataset"), "dataset") or text_of(row.get("task"), "task")
    told = {key: row[key] for key in ("qid", "split") if row.get(key)}
    wanted = {key: row[key] for key in ("question", "context", "options", "choices", "gold", "answer") if key in row}
    return {**wanted, "id": name, "meta": told, **({"task": task_called(task)} if task else {})}


def _replies(rows: Sequence[Row], problem: Problem, crowd: Set[str]) -> list[Spoken]:
    outputs = [output for row in rows for output in fields.objects(row, "outputs")]
    faults: list[str] = []
    replies = []
    seats = _seats(outputs) if _is_debate(rows[0]) else {}
    for output, blame in fields.each(outputs, "output", faults):
        with blame:
            replies.append(_spoken(output, problem, seats, crowd))
    if faults:
        raise fields.ManyFaults(faults)
    return replies if seats else _apart(replies)


def _seats(outputs: Sequence[Row]) -> dict[tuple[str | None, str | None], str]:
    """The seat of each speaker of a debate: its model, with the agent's name where two share a model."""
    speakers = dict.fromkeys((fields.name(output, "agent"), fields.name(output, "model")) for output in outputs)
    shared = Counter(model for _, model in speakers)
    return {
        (agent, model): f"{model} ({agent})" if agent and model and shared[model] > 1 else model or agent or ""
        for agent, model in speakers
    }


def _spoken(output: Row, problem: Problem, seats: dict[tuple[str | None, str | None], str], crowd: Set[str]) -> Spoken:
    agent, model = fields.name(output, "agent"), fields.name(output, "model")
    seat = seats.get((agent, model)) or _variant(output, model or "", crowd)
    if not seat:
        raise BadRow("neither 'model' nor 'agent' names who spoke")
    text = fields.text(output, "text")
    recorded = text_of(output.get("answer"), "answer") or None
    return Spoken(
        agent=seat,
        round=fields.round_number(output) if "round" in output else 0,
        text=text,
        answer=read_answer(text, recorded, problem, is_recorded="answer" in output),
        verdict=fields.verdict(output),
        source_answer=recorded,
    )


def _variant(output: Row, model: str, crowd: Set[str]) -> str:
    """The seat of an independent output: its model, with its prompt, style or sample where the model has several."""
    told = [f"{key} {text_of(output[key], key)}" for key in VARIANTS if output.get(key) is not None]
    return f"{model} ({', '.join(told)})" if model in crowd and told else model


def _apart(replies: Sequence[Spoken]) -> list[Spoken]:
    """The same replies; seats of one name are numbered from the second on."""
    count: Counter[str] = Counter()
    made = []
    for reply in replies:
        count[reply.agent] += 1
        number = count[reply.agent]
        made.append(replace(reply, agent=f"{reply.agent}#{number}") if number > 1 else reply)
    return made
