"""What the student answers while it is being trained, by its own greedy generation."""

from collections.abc import Iterator, Sequence

import torch

from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Completion, Sampling
from magdi_cli.core.stats import wilson_interval
from magdi_cli.distill.encoding.material import HeldOut
from magdi_cli.distill.lessons.metrics import Answers
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.ranks import Ranks
from magdi_cli.engines.chat import render_chat
from magdi_cli.engines.generator import Generator
from magdi_cli.tasks.answers import extract, verify
from magdi_cli.tasks.prompts import student_messages

TOGETHER = 16
"""Problems answered at once."""

Question = tuple[Problem, list[int]]
"""A problem, and the tokens that ask it."""


def answered(student: Student, held_out: HeldOut, ranks: Ranks, rank: int) -> Answers:
    """How well the student answers the held-out problems, each process its share of them."""
    tokenizer = held_out.tokenizer
    questions = [(problem, render_chat(tokenizer, student_messages(problem))) for problem in held_out.problems]
    questions.sort(key=lambda question: len(question[1]))
    context = getattr(student.backbone.config.get_text_config(), "max_position_embeddings", None)
    generator = Generator(
        model=student.backbone, tokenizer=tokenizer, context=int(context or tokenizer.model_max_length)
    )
    counts = torch.zeros(3, dtype=torch.long)
    student.eval()
    with student.number_type(student.backbone.device.type):
        for problem, completion in _replies(generator, questions[rank :: ranks.count], held_out.max_tokens):
            found = extract(completion.replies[0].text, problem) if completion.replies else None
            right = found is not None and verify(found.answer, problem).correct
            counts += torch.tensor([1, right, found is None])
    n, correct, unanswered = ranks.sum(counts).tolist()
    return Answers(
        n=n, correct=correct, unanswered=unanswered, accuracy=correct / n, interval=wilson_interval(correct, n)
    )


def _replies(
    generator: Generator, questions: Sequence[Question], max_tokens: int
) -> Iterator[tuple[Problem, Completion]]:
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
    for start in range(0, len(questions), TOGETHER):
        asked = questions[start : start + TOGETHER]
        # by length: the last one is the longest
        room = min(max_tokens, generator.context - len(asked[-1][1]))
        if room < 1:
            yield from ((problem, Completion(error="no room for a reply")) for problem, _ in asked)
            continue
        replies = generator.complete([prompt for _, prompt in asked], sampling, max_new_tokens=room, seed=0)
        yield from zip((problem for problem, _ in asked), replies, strict=True)
