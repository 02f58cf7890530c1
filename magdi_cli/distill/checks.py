"""What is checked on a model itself before it is trained, as families of models differ in ways no list knows."""

import torch
from torch import Tensor

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.protocols import Report
from magdi_cli.distill.rows import Row, laid_out
from magdi_cli.distill.sharing import PromptSharing
from magdi_cli.distill.student import Student

PROMPT, FIRST, SECOND = tuple(range(1, 9)), tuple(range(9, 15)), tuple(range(15, 20))
"""Tokens to try a model with."""
NEAR = 0.02
"""Relative difference of two ways to compute the same logits; bfloat16 alone gives 0.01."""
FOLLOWED = 0.1
"""The same of a completion's states in a shared row and alone: bfloat16 gives SmolLM2 0.04, an ignored mask 0.24."""


@torch.no_grad()
def check_projection(student: Student, name: str) -> None:
    """Refuse a model whose own logits are not what `project` computes; it would be trained on a wrong loss."""
    student.eval()
    rows = laid_out([(PROMPT, (FIRST,))], pad_id=0, targets={}).to(student.backbone.device)
    expected = student.backbone(input_ids=rows.input_ids, use_cache=False).logits
    if not _near(student.project(student.encode(rows)), expected):
        raise UsageProblem(
            f"student {name} alters its logits after the vocabulary projection in a way magdi does not know; "
            "take another student"
        )


def sharing_for(student: Student, wanted: PromptSharing, report: Report) -> PromptSharing:
    """The wanted way to share prompts, where this model encodes a text alike in a shared row and alone."""
    if wanted == "never" or _shares_prompts(student):
        return wanted
    if wanted == "always":
        raise UsageProblem("this student cannot share prompts: its attention does not follow a mask; leave the option")
    report.note("each node is encoded with its own prompt: this student's attention does not follow a mask")
    return "never"


@torch.no_grad()
def _shares_prompts(student: Student) -> bool:
    student.eval()
    apart = [_completions(student, (PROMPT, (tokens,))) for tokens in (FIRST, SECOND)]
    return _near(_completions(student, (PROMPT, (FIRST, SECOND))), torch.cat(apart), within=FOLLOWED)


def _completions(student: Student, row: Row) -> Tensor:
    """The states of a row's completions, one after the other."""
    rows = laid_out([row], pad_id=0, targets={}).to(student.backbone.device)
    return student.encode(rows)[rows.segments > 0]


def _near(found: Tensor, expected: Tensor, *, within: float = NEAR) -> bool:
    return bool((found.float() - expected.float()).norm() <= within * expected.float().norm())
