"""What `poutama up` shows while it works: one line a step, on a terminal or in a log file alike.

Called by `laptop.up` and the command line. Never writes an escape sequence where there is no
terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

NAME_WIDTH = 12


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
        with self.console.status(name):
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
            yield step, lambda done, of: progress.update(task, completed=done, total=of)
        self._print(name, step.note, monotonic() - begun)

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def _print(self, name: str, note: str, seconds: float) -> None:
        took = f" [dim]({seconds:.1f} s)[/dim]" if seconds >= 0.1 else ""
        self.say(f"[green]ok[/green] {name.ljust(NAME_WIDTH)} {escape(note)}{took}")
