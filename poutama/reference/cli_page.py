"""The page docs/cli.md: every command with its arguments and options, as `--help` has them.

Called by `commands.pages` with the command line itself; runs none of its commands.
"""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.core import TyperGroup

OPENING = """\
# Commands

`poutama` is `.venv/bin/poutama` in a checkout. Settings are environment variables:
[settings.md](settings.md). What goes wrong is one line on standard error, and exit code 1; a usage
error is exit code 2. `poutama COMMAND --help` prints what this page has.

This page is generated from the command line: `make docs`.
"""

EXAMPLE = "Example: "
"""How the last line of each command's help begins."""


def render_cli_page(group: TyperGroup) -> str:
    """The text of `docs/cli.md`."""
    root = typer.Context(group, info_name=group.name or "poutama")
    return OPENING + "".join(_commands(group, root))


def _commands(group: TyperGroup, parent: typer.Context) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        context = typer.Context(command, info_name=name, parent=parent)
        yield f"\n## {context.command_path}\n\n{command.help}\n\n"
        if command.epilog:
            yield f"{EXAMPLE}`{command.epilog.removeprefix(EXAMPLE)}`\n\n"
        records = [param.get_help_record(context) for param in command.get_params(context)]
        rows = [row for row in records if row is not None and row[0] != "--help"]
        if rows:
            yield "| | |\n|---|---|\n"
            yield from (f"| `{_cell(what)}` | {_cell(text)} |\n" for what, text in rows)
        else:
            yield "It has no options.\n"
        if isinstance(command, TyperGroup):
            yield from _commands(command, context)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
