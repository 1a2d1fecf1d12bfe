"""`poutama requests`: what the operator types about requests for access and erasure.

`commands.main` registers it; `commands.privacy_requests` does the work.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from poutama.commands.command_database import open_command_database
from poutama.configuration import open_home

EXAMPLE_ID = "3f1c5a0e-1d7b-4c7e-9d38-0a4b2f6e8c11"

requests = typer.Typer(
    help="Show the requests for access and erasure that are not done; decide one.",
    epilog="Example: poutama requests",
    invoke_without_command=True,
)


@requests.callback()
def _show_requests(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.jobs import open_console
        from poutama.commands.privacy_requests import show_requests

        show_requests(settings, database.url, open_console())


@requests.command(epilog=f"Example: poutama requests accept {EXAMPLE_ID}")
def accept(request: Annotated[UUID, typer.Argument(help="Its id.")]) -> None:
    """Erase the person for good and print the receipt; or export their data for them."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.privacy_requests import accept_request

        print(accept_request(settings, database.url, open_home(settings), request))


@requests.command(
    epilog=f"Example: poutama requests refuse {EXAMPLE_ID} 'The school has to keep it.'"
)
def refuse(
    request: Annotated[UUID, typer.Argument(help="Its id.")],
    reason: Annotated[str, typer.Argument(help="Why; the person can read it.")],
) -> None:
    """Refuse a request, with a reason."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.privacy_requests import refuse_request

        refuse_request(settings, database.url, request, reason)
    print("refused")
