"""`poutama address-conflicts`: what the operator types about addresses that two claim.

`commands.main` registers it; `commands.address_conflicts` does the work.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from poutama.commands.command_database import open_command_database

EXAMPLE_ID = "3f1c5a0e-1d7b-4c7e-9d38-0a4b2f6e8c11"

address_conflicts = typer.Typer(
    help="Show decisions that a claimed address is one person's and wait for a second adult.",
    epilog="Example: poutama address-conflicts",
    invoke_without_command=True,
)


@address_conflicts.callback()
def _show_address_conflicts(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.address_conflicts import show_address_conflicts
        from poutama.commands.jobs import open_console

        show_address_conflicts(settings, database.url, open_console())


@address_conflicts.command(epilog=f"Example: poutama address-conflicts confirm {EXAMPLE_ID} 2")
def confirm(
    conflict: Annotated[UUID, typer.Argument(help="Of which you know that they are one person.")],
    version: Annotated[int, typer.Argument(help="The version that was listed.")],
) -> None:
    """Confirm, as the second, that who has an address and who claims it are one person."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.address_conflicts import confirm_address

        confirm_address(settings, database.url, conflict, version)
    print("confirmed")
