"""What a student is asked and what it should answer; the question's form is shared with the debate."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Message
from magdi_cli.tasks.catalog import Kind, kind_of
from magdi_cli.tasks.normalise import visible
from magdi_cli.tasks.option_text import letter

FORMATS: Mapping[Kind, Callable[[Problem], str]] = MappingProxyType(
    {
        "number": lambda _: "a single number",
        "choice": lambda problem: f"one letter from A to {letter(len(problem.choices) - 1)}",
        "yes-no": lambda _: "yes or no",
        "latex": lambda _: "a LaTeX expression",
    }
)

LONGEST_SENTENCE = 1000
"""Characters at the end of a reasoning in which an answer sentence is looked for."""

_SENTENCE_GAP = re.compile(r"((?<=[.!?])[ \t]+(?=\S)|\n+)")
_PEER = (
    r"(?:(?:the |my )?(?:other|previous|earlier) (?:\w+ )?(?:agents?|solutions?|answers?|responses?|opinions?)"
    r"|(?:another|each|every|all|both) (?:other )?agents?|(?:the )?agents?'s?|agents? ?(?:[0-9]+|[A-Z])\b"
    r"|(?:my |the )?peers?\b|(?:the )?(?:two |three )?others\b|everyone|the majority)"
)
_STANCE = re.compile(
    rf"\A(?:\w+,? )?(?:I|we) (?:\w+ )?(?:dis)?agree(?: \w+)? with {_PEER}[^.,:;]*?"
    r"(?:(?:,? (?:because|since|that|as)|:|,)\s+(?P<reason>.*))?\Z",
    re.IGNORECASE | re.DOTALL,
)
_AGREEING = re.compile(r"\A(?:\w+,? )?I (?:\w+ )?(?:dis)?agree\b", re.IGNORECASE)
_ADDRESSING = re.compile(rf"\b{_PEER}", re.IGNORECASE)
_JUDGING = re.compile(
    r"\b(?:(?:dis)?agree|(?:in)?correct|right|wrong|mistaken?|errors?|convinc|same|review|consider|compar|accept|keep|"
    r"stand by|point out)",
    re.IGNORECASE,
)
_WORKING = re.compile(r"[0-9)]\s*[-+*/=<>]\s*\$?[0-9(]|=|\\[a-z]+")
_REASON_WORDS = 3
_ANSWER_SENTENCE = re.compile(
    r"(?:^|(?<=[.!?])[ \t]+|\n)[\s*_#]*(?:(?:so|therefore|thus|hence|finally|in conclusion),?\s+)?"
    r"(?:(?:the|my)\s+)?(?:(?:final|correct|best|right)\s+)*answer\b[\s*_]*(?:\([^()\n]*\)\s*)?(?:is\b|:)"
    r"(?:[^\n.!?]|[.!?](?=\S))*[.!?]*[\s*_]*\Z"
    r"|(?:^|\n)[ \t]*####[^\n]*\Z|(?:^|\n)[\s$*]*\\boxed\{[^\n]*\}[\s$*.]*\Z",
    re.IGNORECASE,
)


def question_text(problem: Problem) -> str:
    """The question, with its options lettered one a line where there are any to choose from."""
    if kind_of(problem) != "choice":
        return problem.question
    options = [f"{letter(i)}. {choice}" for i, choice in enumerate(problem.choices)]
    return "\n".join([problem.question, "", *options])


def answer_format(problem: Problem) -> str:
    """What an answer looks like, in words: `a single number`, `one letter from A to E`, ..."""
    return FORMATS[kind_of(problem)](problem)


def student_messages(problem: Problem) -> tuple[Message, ...]:
    """The chat with which a student is asked to reason and answer."""
    wanted = f'Think step by step, then end with "So the answer is X.", where X is {answer_format(problem)}.'
    return (Message(role="user", content=f"{question_text(problem)}\n\n{wanted}"),)


def completion_text(text: str, answer: Answer) -> str:
    """What a student should say: the reasoning without talk to peers, then one sentence with the answer."""
    reasoning = clean_reasoning(text)
    while match := _ANSWER_SENTENCE.search(reasoning, max(0, len(reasoning) - LONGEST_SENTENCE)):
        reasoning = reasoning[: match.start()].rstrip()
    return f"{reasoning}\nSo the answer is {answer}.".lstrip("\n")


def clean_reasoning(text: str) -> str:
    """The reasoning without sentences that merely address the other agents; never emptied by that."""
    shown = visible(text)
    pieces = [*_SENTENCE_GAP.split(shown), ""]
    kept = ((_without_peers(sentence), gap) for sentence, gap in zip(pieces[::2], pieces[1::2], strict=True))
    return visible("".join(sentence + gap for sentence, gap in kept if sentence)) or shown


def _without_peers(sentence: str) -> str:
    """The sentence, its reason alone where it states a stance first; empty where it only talks to peers."""
    if stance := _STANCE.match(sentence):
        reason = (stance["reason"] or "").strip()
        return reason[:1].upper() + reason[1:] if len(reason.split()) >= _REASON_WORDS else ""
    if _WORKING.search(sentence):
        return sentence
    talk = _AGREEING.match(sentence) or (_ADDRESSING.search(sentence) and _JUDGING.search(sentence))
    return "" if talk else sentence
