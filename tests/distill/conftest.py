"""One tiny student for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.distill.encoding.batches import Layout
from magdi_cli.distill.student.loading import load_student, load_tokenizer
from magdi_cli.distill.student.student import Student
from magdi_cli.engines.weights import resolve_model
from tests.tiny_student import build

LAYOUT = Layout(pad_id=0, sharing="never")
"""A row for each text."""
SHARED = Layout(pad_id=0, sharing="always")
"""As few rows as possible."""


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """A model this small gains nothing from threads, and loses much where they must wait for a busy core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model to train."""
    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tokenizer(tiny: Path) -> object:
    return load_tokenizer(resolve_model(str(tiny)))


@pytest.fixture
def student(tiny: Path) -> Student:
    return make_student(tiny)


def make_student(tiny: Path, **settings: object) -> Student:
    """A float32 student whose adapter already does something: LoRA's own start would hide half of every gradient."""
    torch.manual_seed(0)
    student = load_student(resolve_model(str(tiny)), DistillConfig(**settings), dtype=torch.float32)
    for name, parameter in student.trainable().items():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    return student
