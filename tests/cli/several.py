"""Several processes under magdi's launcher, each of which does what its word says; run by the tests beside it."""

import os
import signal
import sys
import time

import typer

from magdi_cli.cli.boundary import boundary
from magdi_cli.cli.launching import launch
from magdi_cli.core import errors
from magdi_cli.core.launcher import launched, rank


def act(word: str) -> None:
    match word:
        case "wait":
            sys.stderr.write("waiting\n")
            time.sleep(600)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "bug":
            raise ZeroDivisionError("oh")
        case "write":
            sys.stdout.write(f"process {rank()}\n")
        case name:
            raise getattr(errors, name)("what, where, the way out")


def main(words: list[str]) -> None:
    with boundary(debug=False, resumable=True, one_of_several=launched()):
        if launched():
            act(words[rank()])
        else:
            profile = ["--multi_gpu", "--num_processes", str(len(words)), "--main_process_port", "0"]
            launch([*profile, "-m", "tests.cli.several", *words], verbose=False)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except typer.Exit as end:
        sys.exit(end.exit_code)
