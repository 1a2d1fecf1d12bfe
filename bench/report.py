"""Results for people, as a table, and for programs, as JSON. Called by `bench.__main__`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.table import Table

from bench.rounds import Result
from bench.workload import CONNECTIONS


def make_table(results: Sequence[Result]) -> Table:
    """One row a case; fits eighty columns. The share of the ceiling is what counts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("case", no_wrap=True)
    table.add_column("share", justify="right", style="bold", no_wrap=True)
    for name in ("rounds", "by CPU", "API/s", "SQL/s", "p99", "api", "db", "load"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        table.add_row(
            result.name,
            _judge(result),
            f"{min(result.ratios):.0%}-{max(result.ratios):.0%}",
            f"{result.cpu_ratio:.0%}",
            f"{result.api_per_second:.0f}",
            f"{result.ceiling_per_second:.0f}",
            f"{result.api_p99_ms:.1f}",
            f"{result.api_cpu_us:.0f}",
            f"{result.database_cpu_us:.0f}",
            f"{result.load_cpu_us:.0f}",
        )
    return table


def explain(results: Sequence[Result], seconds: float, rounds: int) -> str:
    """What the table's words mean, and whether what was asked for was reached."""
    lines = [
        f"{CONNECTIONS} connections, {rounds} rounds of {seconds:g} s a side in turn, medians;"
        f" {os.cpu_count()} cores shared by all.",
        "share: of the ceiling, the same SQL through asyncpg without GraphQL and HTTP (SQL/s).",
        "by CPU: the same share by CPU a request, which hardly depends on who else is busy.",
        "p99: ms over HTTP. api, db, load: us of CPU a request, load being the generator.",
        "Only shares can be compared with another machine's.",
    ]
    for result in results:
        if result.target is not None:
            verdict = "reached" if result.ratio >= result.target else "NOT reached"
            lines.append(f"{result.name}: {result.target:.0%} asked for, {verdict}.")
    return "\n".join(lines)


def write_json(path: Path, results: Sequence[Result], seconds: float, rounds: int) -> None:
    """Write everything measured."""
    content = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "connections": CONNECTIONS,
        "seconds": seconds,
        "rounds": rounds,
        "results": [{**asdict(result), "cpu_ratio": result.cpu_ratio} for result in results],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _judge(result: Result) -> str:
    text = f"{result.ratio:.0%}"
    if result.target is None:
        return text
    colour = "green" if result.ratio >= result.target else "red"
    return f"[{colour}]{text}[/{colour}]"
