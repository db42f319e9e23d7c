"""The one display of a comparison's progress: a bar for each run, on stderr; timed lines where that is no terminal."""

import sys
import threading
import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Screen:
    """Shows how far every run is; use as a context manager.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            refresh_per_second=2,  # a faster one would take time from what is measured
        )
        self._shows_bars = self._progress.console.is_terminal and not quiet
        self._quiet, self._lock = quiet, threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._started = time.monotonic()

    def __enter__(self) -> "Screen":
        if self._shows_bars:
            self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def begin(self, name: str, total: int) -> None:
        """Show a run that begins, of `total` steps."""
        with self._lock:
            self._tasks[name] = self._progress.add_task(escape(name), total=total, note="")
        self._line(f"{name}: training")

    def advance(self, name: str, completed: int) -> None:
        """Show how many steps a run has done."""
        self._progress.update(self._tasks[name], completed=completed)

    def end(self, name: str, note: str) -> None:
        """Show what came out of a run."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(escape(name), total=1, note="")
        task = self._tasks[name]
        total = next(t.total for t in self._progress.tasks if t.id == task)
        self._progress.update(task, completed=total, note=escape(note))
        self._progress.stop_task(task)
        self._line(f"{name}: {note}")

    def say(self, line: str) -> None:
        """Show a line on what is done next."""
        if self._shows_bars:
            self._progress.console.print(escape(line), highlight=False)
        self._line(line)

    def _line(self, text: str) -> None:
        if not self._shows_bars and not self._quiet:
            print(f"{time.monotonic() - self._started:5.0f} s  {text}", file=sys.stderr, flush=True)
