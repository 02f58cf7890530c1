"""The MAG files of the MAGDi release: a JSON list with a key `AGENT_output_ROUND` for every reply."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from magdi_cli.build_graph.importing import fields
from magdi_cli.build_graph.importing.assemble import Spoken, assembled, read_answer, round_before, task_of_file
from magdi_cli.build_graph.importing.found import Faulty, Found, Imported, Sources
from magdi_cli.build_graph.importing.inlined import options_in
from magdi_cli.build_graph.importing.lines import Line, read_lines
from magdi_cli.core.problem import Problem
from magdi_cli.tasks.answers import canonical
from magdi_cli.tasks.catalog import TASKS, kind_of
from magdi_cli.tasks.rows import BadRow, problem_from, question_of, text_of

REPLY = re.compile(r"\s*(\S.*)_output_([0-9]{1,9})", re.DOTALL)
KEPT = ("id", "options", "choices", "task")
"""Keys of a problem file that such a row may have besides."""


def debates(sources: Sources) -> Iterator[Found]:
    """The debates of MAG files.

    Agents and rounds are those of the keys. A missing or empty reply is a turn that did not happen, and so is one
    without reasoning: ReConcile writes it, with a guessed answer, where a call failed. Every reply of a round heard
    all of the round before.
    """
    unreasoned: list[str] = []
    for path in sources.paths:
        task, told = sources.task or task_of_file(path), False
        for line in read_lines(path):
            found = _found(line, task, unreasoned)
            if isinstance(found, Imported) and not told:
                problem, told = found.debate.problem, True
                sources.note(f"{path}: task {problem.task}, answers of kind {kind_of(problem)}")
            yield found
    if unreasoned:
        sources.note(f"left out {len(unreasoned)} replies without reasoning: guesses in place of failed calls")


def _found(line: Line, task: str, unreasoned: list[str]) -> Found:
    name: str | None = None
    try:
        row = line.value()
        problem = _problem(row, task)
        name = problem.id
        imported = assembled(problem, _replies(row, problem, unreasoned), round_before)
    except BadRow as fault:
        return Faulty(where=line.where, problem=name, faults=fields.faults_of(fault), lines=(line.raw,))
    return replace(imported, where=line.where, lines=(line.raw,))


def _problem(row: Mapping[str, Any], task: str) -> Problem:
    """The problem of a row; options that only stand in its question are taken out of there."""
    kept = {key: row[key] for key in KEPT if key in row}
    kept |= {"question": question_of(row), "gold": row.get("gold_answer", row.get("gold"))}
    if not (kept.get("options") or kept.get("choices")) and _is_choice(task, row):
        kept["question"], kept["options"] = options_in(kept["question"])
    return problem_from(kept, task)


def _is_choice(task: str, row: Mapping[str, Any]) -> bool:
    if task in TASKS:
        return TASKS[task].kind == "choice"
    return bool(re.fullmatch(r"\(?[A-Z]\)?", text_of(row.get("gold_answer"), "gold_answer")))


def _replies(row: Mapping[str, Any], problem: Problem, unreasoned: list[str]) -> list[Spoken]:
    replies: list[Spoken] = []
    faults: list[str] = []
    for key, reply in row.items():
        if reply and (parts := REPLY.fullmatch(key)):
            if _is_unreasoned(reply):
                unreasoned.append(key)
                continue
            with fields.Blame(key, faults):
                replies.append(_spoken(text_of(parts[1], "agent"), int(parts[2]), reply, problem))
    if faults:
        raise fields.ManyFaults(faults)
    if not replies:
        raise BadRow("no AGENT_output_ROUND holds a reply with reasoning")
    return replies


def _is_unreasoned(reply: Any) -> bool:
    return isinstance(reply, dict) and not str(reply.get("reasoning") or "").strip()


def _spoken(agent: str, number: int, reply: Any, problem: Problem) -> Spoken:
    if not isinstance(reply, dict):
        raise BadRow("not an object with 'reasoning' and 'answer'")
    reasoning = fields.text(reply, "reasoning")
    recorded = text_of(reply.get("answer"), "answer")
    answer = canonical(recorded, problem) or read_answer(recorded or reasoning, None, problem, is_recorded=False)
    return Spoken(agent=agent, round=number, text=reasoning, answer=answer)
