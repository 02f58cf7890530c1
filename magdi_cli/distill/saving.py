"""A student on disk: the adapter as PEFT, vLLM and lm-eval load it, and magdi's own heads beside it."""

import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from magdi_cli.core.records import replacing
from magdi_cli.distill.card import CARD
from magdi_cli.distill.student import ADAPTER, Student

HEADS = "magdi_heads.safetensors"


def save_student(student: Student, tokenizer: Any, card: str, folder: Path) -> None:
    """Write the student's files into the folder, each whole or not at all."""
    partial = folder / "saving.partial"
    shutil.rmtree(partial, ignore_errors=True)
    # "auto" would ask the hub whether the vocabulary has grown; it has not
    student.backbone.save_pretrained(partial, save_embedding_layers=False)
    tokenizer.save_pretrained(partial)
    heads = {
        name: p.detach() for part, named in student.parts().items() if part != ADAPTER for name, p in named.items()
    }
    save_file(heads, partial / HEADS)
    with replacing(partial / CARD) as handle:
        handle.write(card.encode())
    readable = (partial / CARD).stat().st_mode
    for path in sorted(partial.iterdir()):
        # safetensors makes its files private to the user
        path.chmod(readable)
        path.replace(folder / path.name)
    partial.rmdir()
