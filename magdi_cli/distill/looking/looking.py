"""What can be said of a training before it begins, for those who only want to look."""

from collections.abc import Sequence

import torch

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.protocols import Report
from magdi_cli.distill.encoding.material import read_material
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.lessons.lesson import Lesson
from magdi_cli.distill.looking.gradient_check import GradientCheck, check_gradients
from magdi_cli.distill.looking.rehearsal import Rehearsal, rehearse
from magdi_cli.distill.training.memory import Demand, enough_memory


def look(lessons: Sequence[Lesson], tokenizer: CachedTokenizer, report: Report) -> Rehearsal | GradientCheck:
    """A dry run, or a check of the first step's gradients, of the only lesson; several are refused."""
    if len(lessons) > 1:
        raise UsageProblem(
            f"this command trains {len(lessons)} students and can only look at one; "
            "name a --level, and a --teacher, instead of --ladder, --seeds and --teacher all"
        )
    (lesson,) = lessons
    material = read_material(lesson, tokenizer, report)
    looked = rehearse if lesson.config.dry_run else check_gradients
    with enough_memory(lesson.config, Demand(dtype=torch.float32)):
        return looked(lesson, material, tokenizer, report)
