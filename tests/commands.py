"""`magdi` as users run it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

MAGDI = [sys.executable, "-m", "magdi_cli"]


def magdi(
    *arguments: str, cwd: Path, stdin: str | None = None, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The finished command; its exit code must be `code`."""
    done = subprocess.run(
        [*MAGDI, *arguments],
        cwd=cwd,
        env=clean(**environment),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def clean(**changes: str) -> dict[str, str]:
    """This process's environment without keys and without magdi's own settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAGDI_") and not name.endswith(("_API_KEY", "_TOKEN"))
    }
    return kept | changes
