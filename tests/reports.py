"""A report that remembers what it was told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Heard:
    """A stage's `Report`, for tests to read."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[str] = []

    @property
    def told(self) -> list[str]:
        """The notes that are the same on every machine."""
        return [note for note in self.notes if not note.startswith("computing in")]

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    @contextmanager
    def progress(self, label: str, total: int | None, status: Callable[[], str] = str) -> Iterator[Callable[[], None]]:
        yield lambda: self.steps.append(status())


class StoppedAfter(Heard):
    """A report through which the user stops the run after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.last = steps

    @contextmanager
    def progress(self, label: str, total: int | None, status: Callable[[], str] = str) -> Iterator[Callable[[], None]]:
        def advance() -> None:
            self.steps.append(status())
            if len(self.steps) > self.last:
                raise KeyboardInterrupt

        yield advance
