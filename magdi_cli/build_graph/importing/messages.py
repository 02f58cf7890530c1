"""Chats with several assistants: rows `{question, answer, messages: [{role, name, content}]}`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

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
from magdi_cli.core.problem import Problem
from magdi_cli.tasks.rows import QUESTION_KEYS, BadRow, problem_from, text_of

NAMELESS = "assistant"


def debates(sources: Sources) -> Iterator[Found]:
    """The debates of chat files.

    Every assistant message is a turn of the agent it names. Its round is the one given, else how often that
    agent has spoken before; it heard the last message of each agent from earlier rounds. Without a
    `question`, the first user message asks.
    """
    for path in sources.paths:
        task = sources.task or task_of_file(path)
        for line in read_lines(path):
            yield _found(line, task)


def _found(line: Line, task: str) -> Found:
    name: str | None = None
    try:
        row = line.value()
        messages = fields.objects(row, "messages")
        problem = problem_from(_asked(row, messages), task)
        name = problem.id
        imported = assembled(problem, _replies(messages, problem), last_words_before)
    except BadRow as fault:
        return Faulty(where=line.where, problem=name, faults=fields.faults_of(fault), lines=(line.raw,))
    return replace(imported, where=line.where, lines=(line.raw,))


def _asked(row: Row, messages: list[Row]) -> Row:
    """The row with a question and a task as we call it."""
    named = {"task": task_called(task)} if (task := text_of(row.get("task"), "task")) else {}
    if any(row.get(key) for key in QUESTION_KEYS):
        return {**row, **named}
    asked = next((message for message in messages if message.get("role") == "user"), None)
    if asked is None:
        raise BadRow("no 'question', and no user message that asks one")
    return {**row, **named, "question": fields.text(asked, "content")}


def _replies(messages: list[Row], problem: Problem) -> list[Spoken]:
    replies: list[Spoken] = []
    faults: list[str] = []
    spoken: Counter[str] = Counter()
    for message, blame in fields.each(messages, "message", faults):
        with blame:
            if fields.text(message, "role") != "assistant":
                continue
            agent = fields.name(message, "name", "agent") or NAMELESS
            number = fields.round_number(message) if "round" in message else spoken[agent]
            spoken[agent] += 1
            replies.append(_spoken(agent, number, message, problem))
    if faults:
        raise fields.ManyFaults(faults)
    if not replies:
        raise BadRow("no message has the role 'assistant'")
    return replies


def _spoken(agent: str, number: int, message: Row, problem: Problem) -> Spoken:
    content = fields.text(message, "content")
    recorded = text_of(message.get("answer"), "answer") or None
    answer = read_answer(content, recorded, problem, is_recorded="answer" in message)
    return Spoken(
        agent=agent,
        round=number,
        text=content,
        answer=answer,
        verdict=fields.verdict(message),
        source_answer=recorded,
    )
