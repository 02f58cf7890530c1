"""A set of templates tried out before anybody is asked with them."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from traceback import walk_tb

from magdi_cli.core.debate import Turn
from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Message
from magdi_cli.debate.demos import Demo
from magdi_cli.debate.prompts import Templates

PROBLEMS = tuple(
    Problem(id=task, task=task, question="Which?", choices=choices, gold=Answer(gold), meta={"rationale": "So."})
    for task, choices, gold in (
        ("gsm8k", (), "4"),
        ("arc-challenge", ("ant", "bee"), "B"),
        ("boolq", ("yes", "no"), "yes"),
        ("math", (), "x^2"),
    )
)
"""One problem for each kind of answer."""

Chat = Callable[[], tuple[Message, ...]]


def own_templates(folder: Path) -> Templates:
    """The templates of a user's folder, tried out; errors as of `Templates.from_folder` and `probe`."""
    templates = Templates.from_folder(folder)
    probe(templates)
    return templates


def probe(templates: Templates) -> None:
    """Render every prompt for every kind of problem, with and without peers and examples.

    Raises `UsageProblem` with the place of the first fault.
    """
    for problem in PROBLEMS:
        for name, chat in _chats(templates, problem):
            if not _rendered(templates, chat)[-1].content.strip():
                place = next(source.place for source in templates.sources if source.name == name)
                raise UsageProblem(f"{place} renders to nothing")


def _chats(templates: Templates, problem: Problem) -> Iterator[tuple[str, Chat]]:
    """Every prompt there can be about a problem, and the name of its template."""
    own, *peers = (_turn(agent, problem.gold, sure) for agent, sure in (("a", 0.9), ("b", 0.5), ("c", None)))
    groups = [peers, [_turn("d", None, None)]]
    for demos in ((), (Demo(problem=problem, seat="a"), Demo(problem=problem))):
        yield "opening.j2", partial(templates.opening, problem, demos=demos)
        yield "verdict.j2", partial(templates.verdict, problem, groups, demos=demos)
        for before, shown in product((own, _turn("a", None, None), None), (groups, [])):
            yield "revision.j2", partial(templates.revision, problem, before, shown, demos=demos)
    yield "again.j2", partial(templates.again, problem, (), "I cannot say.")


def _turn(agent: str, answer: Answer | None, confidence: float | None) -> Turn:
    return Turn(agent=agent, round=0, text="So it is.", answer=answer, confidence=confidence)


def _rendered(templates: Templates, chat: Chat) -> tuple[Message, ...]:
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        return chat()
    except TemplateSyntaxError as error:
        raise UsageProblem(f"{error.filename}:{error.lineno}: {error.message}") from None
    # a template's expressions can go wrong in every way that Python's can
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        raise UsageProblem(f"{_place(templates, error)}: {error}") from None


def _place(templates: Templates, error: BaseException) -> str:
    """The line of a template in which an error arose."""
    places = {source.place for source in templates.sources}
    lines = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename in places
    ]
    return lines[-1] if lines else "--prompts"
