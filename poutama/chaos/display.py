"""What a person sees of a chaos run: the counts while it runs, and the verdict.

The command line shows it. On a terminal the counts move; elsewhere there is a line every few
seconds. It judges nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from poutama.chaos.counters import STALL_SECONDS, RunCounters
from poutama.chaos.durability import Verdict
from poutama.chaos.history import History, OperationOutcome

LINE_SECONDS = 5.0
MAX_VIOLATIONS = 50


@asynccontextmanager
async def watch(counters: RunCounters, console: Console) -> AsyncIterator[None]:
    """Show the counts while the block runs."""
    if console.is_terminal:
        with Live(get_renderable=lambda: _table(counters), console=console, refresh_per_second=4):
            yield
        return
    task = asyncio.create_task(_write_lines(counters, console))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    console.print(_line(counters), highlight=False, soft_wrap=True)


async def _write_lines(counters: RunCounters, console: Console) -> None:
    while True:
        await asyncio.sleep(LINE_SECONDS)
        console.print(_line(counters), highlight=False, soft_wrap=True)


def _rows(counters: RunCounters) -> dict[str, str]:
    faults = ", ".join(f"{count} {action}" for action, count in counters.faults.items())
    return {
        **{outcome.value: str(counters.outcomes[outcome]) for outcome in _SHOWN},
        "repeated under a key": str(counters.repeated),
        "reads": str(counters.reads),
        f"stalls over {STALL_SECONDS:g} s": f"{counters.stalls} (longest {counters.longest:.1f} s)",
        "faults": faults or "none yet",
    }


def _table(counters: RunCounters) -> Table:
    table = Table(title=f"chaos, {counters.now():.0f} s: {counters.state}", show_header=False)
    for name, value in _rows(counters).items():
        table.add_row(name, value)
    return table


def _line(counters: RunCounters) -> str:
    counts = ", ".join(f"{name}: {value}" for name, value in _rows(counters).items())
    return f"{counters.now():5.0f} s  {counts}"


def print_verdict(history: History, verdict: Verdict, console: Console) -> None:
    """Say what the history shows, and whether it keeps what was promised."""

    def print_line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    outcomes = verdict.outcomes
    codes: dict[str, int] = {}
    for operation in history.operations:
        if operation.code:
            codes[operation.code] = codes.get(operation.code, 0) + 1
    actions = sorted(fault.action for fault in history.faults)
    faults = ", ".join(f"{actions.count(action)} {action}" for action in dict.fromkeys(actions))
    print_line(f"run {history.run.name} on {history.run.engine}, faults: {faults or 'none'}")
    print_line(
        f"writes: {outcomes[OperationOutcome.ACKNOWLEDGED]} acknowledged,"
        f" {outcomes[OperationOutcome.REFUSED]} refused,"
        f" {outcomes[OperationOutcome.AMBIGUOUS]} ambiguous"
        f" ({verdict.happened} of them had happened);"
        f" {verdict.repeated} repeated under their key"
    )
    print_line(f"reads: {verdict.reads}")
    if codes:
        print_line(
            "errors: " + ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
        )
    for violation in verdict.violations[:MAX_VIOLATIONS]:
        print_line(f"[red]BROKEN[/red] {escape(str(violation))}")
    if len(verdict.violations) > MAX_VIOLATIONS:
        print_line(f"... and {len(verdict.violations) - MAX_VIOLATIONS} more")
    if verdict.passed:
        print_line("[green]PASSED[/green] nothing acknowledged is missing, nothing happened twice,")
        print_line("       nothing refused is there, and no read went backwards")
    else:
        print_line(f"[red]FAILED[/red] {len(verdict.violations)} promises broken")


_SHOWN = (OperationOutcome.ACKNOWLEDGED, OperationOutcome.REFUSED, OperationOutcome.AMBIGUOUS)
