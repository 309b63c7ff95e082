"""What the benchmark is at, on the terminal. It redraws seldom: the processor is the contenders'."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """Bars where there is a terminal; lines where there is none."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()

    def say(self, what: str) -> None:
        if self._progress.console.is_terminal:
            self._progress.update(self._progress.task_ids[0], description=what)
        else:
            self._progress.console.print(f"{time.monotonic() - self._began:5.0f} s  {what}")

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; it takes how far things are."""
        task = self._progress.add_task(what, total=total)
        yield lambda done: self._progress.update(task, completed=done)
        self._progress.remove_task(task)


@contextmanager
def steps() -> Iterator[Steps]:
    """On standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=1) as progress:
        progress.add_task("", total=None)
        yield Steps(progress)
