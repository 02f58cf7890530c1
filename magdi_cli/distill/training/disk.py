"""Running out of disk, as the libraries say it that write a student's files."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from magdi_cli.core.errors import EnvironmentProblem

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
IN_WORDS = ("inline_container", "PytorchStreamWriter", "No space left", "Disk quota exceeded", "File too large")
"""How torch and safetensors complain of a file that they could not write whole."""


@contextmanager
def enough_disk(folder: Path) -> Iterator[None]:
    """Within it, a disk that is full is an `EnvironmentProblem` that says where, and how to go on."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_shortage(error):
            raise
        free = shutil.disk_usage(folder).free
        raise EnvironmentProblem(
            f"cannot write {folder}, where {free / 1e6:,.1f} MB are free; make room, and the same command goes on"
        ) from None


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return any(words in str(error) for words in IN_WORDS)
