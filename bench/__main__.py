"""`python -m bench`, which is `make bench`: measure, with progress, and print a table.

The only place here that reads the environment: `POUTAMA_*` settings hold for the API measured.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.cases import CASES, Case
from bench.environment import open_environment
from bench.report import explain, make_table, write_json
from bench.rounds import Result, measure
from poutama.errors import PoutamaError
from poutama.settings import Settings


def main(
    seconds: Annotated[float, typer.Option(min=0.01, help="Length of one side's turn.")] = 1.2,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of either side, a case.")] = 5,
    only: Annotated[str, typer.Option(help="Measure the cases whose names begin so.")] = "",
    json: Annotated[Path | None, typer.Option(help="Also write everything to this file.")] = None,
) -> None:
    """Measure the API beside its ceiling: the same SQL without GraphQL and HTTP."""
    cases = [case for case in CASES if case.name.startswith(only)]
    if not cases:
        print(f"no case begins so; there are: {', '.join(case.name for case in CASES)}")
        raise typer.Exit(1)
    console = Console()
    try:
        results = _measure(console, cases, seconds, rounds)
    except (PoutamaError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    console.print(make_table(results))
    console.print(explain(results, seconds, rounds), highlight=False, soft_wrap=True)
    if json is not None:
        write_json(json, results, seconds, rounds)


def _measure(console: Console, cases: list[Case], seconds: float, rounds: int) -> list[Result]:
    settings = Settings.from_environment(os.environ)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=2 * rounds * len(cases))

        def report(text: str) -> None:
            progress.update(task, description=text)
            if not console.is_terminal:
                console.print(text)

        results = []
        with open_environment(settings, report) as environment:
            for case in cases:
                report(case.name)
                with environment.open_engines(case) as bench:
                    results.append(measure(bench, rounds, seconds, lambda: progress.advance(task)))
    return results


if __name__ == "__main__":
    typer.run(main)
