"""A student on disk: the adapter as PEFT, vLLM and lm-eval load it, and magdi's own heads beside it."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from magdi_cli.core.records import replacing
from magdi_cli.distill.leaving.card import CARD
from magdi_cli.distill.student.student import ADAPTER, Student

HEADS = "magdi_heads.safetensors"


def save_student(student: Student, learned: Mapping[str, Tensor], tokenizer: Any, card: str, folder: Path) -> None:
    """Write the student's files into the folder, each whole or not at all; `learned` holds what it has learned."""
    partial = folder / "saving.partial"
    shutil.rmtree(partial, ignore_errors=True)
    # "auto" would ask the hub whether the vocabulary has grown; it has not
    student.backbone.save_pretrained(partial, save_embedding_layers=False, state_dict=_of(ADAPTER, learned))
    tokenizer.save_pretrained(partial)
    heads = {name: value for name, value in learned.items() if not name.startswith(f"{ADAPTER}.")}
    save_file(heads, partial / HEADS)
    with replacing(partial / CARD) as handle:
        handle.write(card.encode())
    readable = (partial / CARD).stat().st_mode
    for path in sorted(partial.iterdir()):
        # safetensors makes its files private to the user
        path.chmod(readable)
        path.replace(folder / path.name)
    partial.rmdir()


def _of(part: str, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part's values, by its own names for them."""
    return {name.removeprefix(f"{part}."): value for name, value in values.items() if name.startswith(f"{part}.")}
