"""Where errors end: one message and an exit code for each; a traceback only with --debug."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exception
from types import FrameType

import typer

from magdi_cli.cli.streams import ReaderGone
from magdi_cli.core.errors import (
    BudgetReached,
    EnvironmentProblem,
    Interrupted,
    MagdiError,
    ProcessKilled,
    TooManyFailures,
)
from magdi_cli.core.launcher import tell_launcher

CUT_OFF = (TooManyFailures, BudgetReached, Interrupted, ProcessKilled, KeyboardInterrupt, ReaderGone)
"""Ends that leave work which the same command takes up again."""
NOTHING_LOST = "nothing is lost"


class _Signals:
    """Which signal ended the command; SIGTERM takes the way of Ctrl-C, so that everything is closed."""

    def __init__(self) -> None:
        self.last = signal.SIGINT
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self.last = signal.SIGTERM
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background job: deaf to Ctrl-C only
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)


@contextmanager
def boundary(*, debug: bool, resumable: bool, kept: str = NOTHING_LOST, one_of_several: bool = False) -> Iterator[None]:
    """Run a command; turn whatever goes wrong into a message on stderr and an exit code.

    One of several processes leaves its message to their launcher, which shows one, and the way to resume.
    """
    signals = _Signals()
    code = 0
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        cut_off = isinstance(error, CUT_OFF)
        message, code = _outcome(error, signals.last)
        if debug and not cut_off:
            _show_traceback(error)
        if not (one_of_several and (cut_off or tell_launcher(message))):
            _show(message, kept if resumable and cut_off else None)
    if one_of_several:
        # on the long way out, the threads that kept in touch with the others abort now and then, or wait for them
        sys.stdout.flush()
        os._exit(code)
    if code:
        raise typer.Exit(code)


def _show_traceback(error: BaseException) -> None:
    from magdi_cli.cli.console import show_plainly

    show_plainly("".join(format_exception(error)).rstrip())


def _show(message: str, kept: str | None) -> None:
    from magdi_cli.cli.console import show_error, show_plainly

    show_error(message)
    if kept:
        show_plainly(f"{kept}; resume with: {shlex.join(['magdi', *sys.argv[1:]])}")


def _outcome(error: BaseException, last_signal: signal.Signals) -> tuple[str, int]:
    """What to say, and the exit code."""
    match error:
        case MagdiError():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return "stopped", 128 + last_signal
        case ReaderGone():
            return "whoever read our output has closed it", 128 + signal.SIGPIPE
        case MemoryError():
            return "out of memory", EnvironmentProblem.exit_code
        case OSError():
            return f"{error.filename or 'system'}: {error.strerror or error}", EnvironmentProblem.exit_code
        case _:
            return f"a bug in magdi: {type(error).__name__}: {error} (--debug shows where)", MagdiError.exit_code
