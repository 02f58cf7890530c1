"""What is checked on a model itself before it is trained, as families of models differ in ways no list knows."""

import torch
from torch import Tensor

from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.protocols import Report
from magdi_cli.distill.encoding.rows import Row, laid_out
from magdi_cli.distill.encoding.sharing import PromptSharing
from magdi_cli.distill.student.student import Student

PROMPT, FIRST, SECOND = tuple(range(1, 9)), tuple(range(9, 15)), tuple(range(15, 20))
"""Tokens to try a model with."""
NEAR = 0.02
"""Relative difference of two ways to compute the same logits; bfloat16 alone gives 0.01."""
FOLLOWED = 0.1
"""The same of a completion's states in a shared row and alone: bfloat16 gives SmolLM2 0.04, an ignored mask 0.24."""

REACHES = ("sliding_window", "attention_chunk_size")
"""What models call the tokens that some of their layers look back over, where that is not all of them."""


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


def check_context(student: Student, longest: int) -> None:
    """Refuse texts of up to `longest` tokens where that is more than the model was made to read."""
    context = getattr(student.backbone.config.get_text_config(), "max_position_embeddings", None)
    if context and longest > context:
        raise UsageProblem(
            f"the longest node has {longest} tokens with its prompt, and the student reads {context}; "
            f"--max-length {context} leaves out what is longer"
        )


def sharing_for(student: Student, wanted: PromptSharing, report: Report, *, longest: int) -> PromptSharing:
    """The wanted way to share prompts, where this model encodes texts of up to `longest` tokens alike either way."""
    if wanted == "never":
        return wanted
    obstacle = _obstacle(student, longest)
    if obstacle is None:
        return wanted
    if wanted == "always":
        raise UsageProblem(f"this student cannot share prompts: {obstacle}; leave the option")
    report.note(f"each node is encoded with its own prompt: {obstacle}")
    return "never"


def _obstacle(student: Student, longest: int) -> str | None:
    """Why a text would be encoded otherwise in a shared row than alone; None where it would not."""
    config = student.backbone.config.get_text_config()
    # a mask that we give replaces the model's own, which would end there
    reach = min((found for name in REACHES if (found := getattr(config, name, None))), default=longest)
    if reach < longest:
        return f"its attention reaches back {reach} tokens, and the longest node has {longest} with its prompt"
    return None if _follows_masks(student) else "this student's attention does not follow a mask"


@torch.no_grad()
def _follows_masks(student: Student) -> bool:
    student.eval()
    apart = [_completions(student, (PROMPT, (tokens,))) for tokens in (FIRST, SECOND)]
    return _near(_completions(student, (PROMPT, (FIRST, SECOND))), torch.cat(apart), within=FOLLOWED)


def _completions(student: Student, row: Row) -> Tensor:
    """The states of a row's completions, one after the other."""
    rows = laid_out([row], pad_id=0, targets={}).to(student.backbone.device)
    return student.encode(rows)[rows.segments > 0]


def _near(found: Tensor, expected: Tensor, *, within: float = NEAR) -> bool:
    return bool((found.float() - expected.float()).norm() <= within * expected.float().norm())
