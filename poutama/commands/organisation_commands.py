"""`poutama organisations` and its commands, as they are typed.

The command line adds them; `commands.organisations` does the work.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from poutama.commands.command_database import open_command_database

EXAMPLE_ID = "3f1c5a0e-1d7b-4c7e-9d38-0a4b2f6e8c11"

organisations = typer.Typer(
    help="List organisations and reports about them, or verify that one is the school it names.",
    epilog="Example: poutama organisations",
    invoke_without_command=True,
)


@organisations.callback()
def _show_organisations(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.jobs import open_console
        from poutama.commands.organisations import show_organisations

        show_organisations(settings, database.url, open_console())


@organisations.command(
    "verify",
    epilog=f'Example: poutama organisations verify {EXAMPLE_ID} --name "Kea College"',
)
def verify_organisation(
    organisation: Annotated[UUID, typer.Argument(help="The id of one that you know.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="The name of the school that you have checked; an organisation of another name is"
            " not verified. Needed without --revoke.",
        ),
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            help="A mail domain that is the organisation's alone. Its rosters enrol people with"
            " addresses of exactly that domain, and invite others. May be given several times.",
        ),
    ] = None,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take it back, with all mail domains.")
    ] = False,
) -> None:
    """Say that an organisation is the school it names, and which mail domains are its own."""
    if not revoke and name is None:
        raise typer.BadParameter("expected the name of the school", param_hint="--name")
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.organisations import judge_organisation

        judged = judge_organisation(
            settings, database.url, organisation, None if revoke else name, domains=domain or ()
        )
    print(judged)


@organisations.command(
    "confirm", epilog=f"Example: poutama organisations confirm {EXAMPLE_ID} deputy@mail.nz"
)
def confirm_organisation_adult(
    organisation: Annotated[UUID, typer.Argument(help="The id of one that you know.")],
    email: Annotated[str, typer.Argument(help="The address of an adult whom you know.")],
) -> None:
    """Confirm a mentor, manager or administrator who waits for it: that they are a second adult."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.organisations import confirm_person

        count = confirm_person(settings, database.url, organisation, email)
    print(f"confirmed: {count} membership{'s' * (count > 1)}")


@organisations.command("reports", epilog="Example: poutama organisations reports")
def show_reports() -> None:
    """List the invitations that people reported as they declined them."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.jobs import open_console
        from poutama.commands.organisations import show_reports

        show_reports(settings, database.url, open_console())


@organisations.command(
    "remove-domain", epilog=f"Example: poutama organisations remove-domain {EXAMPLE_ID} kura.nz"
)
def remove_organisation_domain(
    organisation: Annotated[UUID, typer.Argument(help="The id of one that has the domain.")],
    domain: Annotated[str, typer.Argument(help="A mail domain that is no longer its own.")],
) -> None:
    """Take a mail domain from an organisation; its rosters invite people with such addresses."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.organisations import remove_mail_domain

        remove_mail_domain(settings, database.url, organisation, domain)
    print("removed: its rosters invite people with addresses of that domain")
