"""Which of the processes of one command this one is, as its launcher says: a rank, counted from 0."""

import json
import os
import time
from pathlib import Path

LAUNCHERS = (
    ("LOCAL_RANK", "RANK"),
    ("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_RANK"),
    ("MPI_LOCALRANKID", "PMI_RANK"),
    ("MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_RANK"),
)
"""The variable that only a launcher sets, and the rank: torchrun, accelerate and DeepSpeed, then the kinds of MPI."""
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"
"""Names the file in which torchrun, on which accelerate builds, looks for why a process failed."""


def launched() -> bool:
    """Whether a launcher started this process."""
    return any(mark in os.environ for mark, _ in LAUNCHERS)


def rank() -> int:
    """This process's number; 0 where there is no launcher."""
    return next((int(os.environ.get(name, 0)) for mark, name in LAUNCHERS if mark in os.environ), 0)


def local_rank() -> int:
    """This process's number on its machine, which is also that of its GPU."""
    return next((int(os.environ[mark]) for mark, _ in LAUNCHERS if mark in os.environ), 0)


def is_main_process() -> bool:
    """Whether this is the process that speaks, and writes what all have made."""
    return rank() == 0


def tell_launcher(reason: str) -> bool:
    """Leave the reason why this process fails to whoever started it; False where nobody looks for one."""
    name = os.environ.get(ERROR_FILE)
    if not launched() or not name:
        return False
    Path(name).write_text(json.dumps({"message": reason, "timestamp": int(time.time())}), encoding="utf-8")
    return True
