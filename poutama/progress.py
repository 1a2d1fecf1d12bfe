"""What a command shows while it works: a line for each step, a notice where it is silent for long.

Called by `laptop.up`, `packaging` and the command line. Never writes an escape sequence but to a
terminal; notices go to standard error, because other programs read standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from threading import Timer
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

NAME_WIDTH = 12
SILENT_SECONDS = 2.0
"""After which a command that prints nothing says what it does."""


@contextmanager
def notice(text: str, seconds: float = SILENT_SECONDS) -> Iterator[Callable[[], None]]:
    """Print `text` to standard error once the block has run for so many seconds.

    Yields what calls it off: for a command that prints something itself.
    """
    timer = Timer(seconds, lambda: print(f"poutama: {text}", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()


@dataclass(slots=True)
class ProgressStep:
    """One step under way; `note` is what its line will say."""

    note: str = ""


class ProgressLines:
    """The steps of one command, on one console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, name: str) -> Iterator[ProgressStep]:
        """Show that `name` is being done, then one line with its note and the seconds it took."""
        step, begun = ProgressStep(), monotonic()
        with self._show(name):
            yield step
        self._print(name, step.note, monotonic() - begun)

    @contextmanager
    def count(
        self, name: str, total: int
    ) -> Iterator[tuple[ProgressStep, Callable[[int, int], None]]]:
        """Like `step`, with a progress bar on a terminal that `report(done, total)` moves."""
        step, begun = ProgressStep(), monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as progress:
            task = progress.add_task(name, total=total)
            with nullcontext() if self.console.is_terminal else self._show(name):
                yield step, lambda done, of: progress.update(task, completed=done, total=of)
        self._print(name, step.note, monotonic() - begun)

    def _show(self, name: str) -> AbstractContextManager[object]:
        """A spinner on a terminal; in a log file a notice if the step takes long."""
        return self.console.status(name) if self.console.is_terminal else notice(f"{name} ...")

    def print(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def _print(self, name: str, note: str, seconds: float) -> None:
        took = f" [dim]({seconds:.1f} s)[/dim]" if seconds >= 0.1 else ""
        self.print(f"[green]ok[/green] {name.ljust(NAME_WIDTH)} {escape(note)}{took}")
