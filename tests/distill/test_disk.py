import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.distill.training.disk import enough_disk

LIMIT = 10_000
BIG = torch.zeros(LIMIT)


@pytest.fixture
def short_files() -> Iterator[None]:
    """No file of this process grows longer than the limit: as on a full disk, writes end halfway."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("short_files")
@pytest.mark.parametrize(
    "write",
    [
        lambda path: torch.save(BIG, path),
        lambda path: save_file({"big": BIG}, path),
        lambda path: path.write_bytes(bytes(4 * LIMIT)),
    ],
    ids=["torch", "safetensors", "python"],
)
def test_a_file_that_cannot_be_written_whole_says_where_and_how_to_go_on(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    with (
        pytest.raises(EnvironmentProblem, match=r"MB are free; make room, and the same command"),
        enough_disk(tmp_path),
    ):
        write(tmp_path / "file")


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes differ"), enough_disk(tmp_path):
        raise RuntimeError("shapes differ")
