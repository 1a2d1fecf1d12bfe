"""The command line: `poutama up`, `serve`, `worker`, `token`, `demo`, `migrate`, `features`,
`schema`, `permissions`, `settings`, `pages`, `package`, `chaos`, `jobs`, `documents`,
`organisations` and `requests`.

Reads the environment once, calls what does the work, and turns every error made on purpose into
one line on stderr and exit code 1. Each command imports what it needs itself, so that the quick
ones stay quick. Only for machines that people sit at; no function in production imports this.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import typer

from poutama import __version__
from poutama.commands.address_conflict_commands import address_conflicts
from poutama.commands.command_database import INTERRUPTED, open_command_database
from poutama.commands.documents import documents
from poutama.commands.organisation_commands import EXAMPLE_ID, organisations
from poutama.commands.pages import pages
from poutama.commands.requests import requests
from poutama.commands.serve import serve, worker
from poutama.configuration import (
    describe_settings,
    find_misspelt,
    open_folder,
    open_home,
    read_settings,
)
from poutama.errors import (
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)
from poutama.progress import notice
from poutama.server.stop import Stopped, StopRequest

NO_SUCH_TABLE = "42P01"
JobStateName: TypeAlias = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]

app = typer.Typer(
    name="poutama",
    help="A backend for student learning journeys, on this machine.",
    epilog="Example: poutama up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


CHECK = "Check that it runs, and POUTAMA_DATABASE_URL."


def main() -> None:
    """Run the command line; the entry point `poutama`."""
    for variable, setting in find_misspelt(os.environ):
        print(
            f"poutama: {variable}: not a setting, ignored; did you mean {setting}?"
            " `poutama settings` lists all",
            file=sys.stderr,
        )
    try:
        app()
    except PoutamaError as error:
        print(f"poutama: {_describe(error)}", file=sys.stderr)
        sys.exit(1)


def _describe(error: PoutamaError) -> str:
    """Its message; with the system's reason, which has the address, where a service is away."""
    reason = error.__cause__
    match error:
        case UnavailableError() if isinstance(reason, OSError):
            return f"{error.message} ({reason}) {CHECK}"
        case DeadlineExceededError():
            return f"The database has not answered in time; nothing was written. {CHECK}"
        case _:
            return error.message


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    del version


@app.command(epilog="Example: PORT=8001 poutama up")
def up() -> None:
    """Run everything on this machine: database, demo school, API. Ctrl-C stops it."""
    with StopRequest() as stop, suppress(Stopped):
        # heavy: the server, the compiler, the database driver
        from poutama.laptop.up import run_up

        run_up(read_settings(), stop)


app.command(epilog="Example: POUTAMA_DATABASE_URL=postgresql:///school poutama serve")(serve)
app.command(epilog="Example: POUTAMA_DATABASE_URL=postgresql:///school poutama worker")(worker)
app.command(epilog="Example: poutama pages --output docs")(pages)


@app.command(epilog="Example: POUTAMA_DATABASE_URL=postgresql:///school poutama migrate")
def migrate() -> None:
    """Bring the database's tables up to date."""
    with open_command_database("waiting for the database, or for a large table") as (
        settings,
        database,
    ):
        # heavy: SQLAlchemy and Alembic
        from poutama.db.migrate import migrate as bring_up_to_date
        from poutama.db.server_bounds import find_advice
        from poutama.features import load_features

        histories = load_features().histories
        applied = bring_up_to_date(database.url, echo=print, histories=histories)
        advice = find_advice(settings, database.url)
    print(f"{len(applied)} applied" if applied else "up to date")
    if advice is not None:
        print(advice, file=sys.stderr)


@app.command(epilog="Example: poutama features")
def features() -> None:
    """Show the installed features: where from, and whether the database has their migrations."""
    with open_command_database() as (settings, database):
        # heavy: the compiler, the database driver
        from poutama.commands.features import show_features
        from poutama.commands.jobs import open_console

        show_features(settings, database.url, open_console())


@app.command(epilog="Example: poutama demo --students 1000")
def demo(
    students: Annotated[int, typer.Option(help="How many students the school has.")] = 100,
) -> None:
    """Make the demo school, or what is missing of it: up to a million students."""
    with open_command_database(shows_steps=True) as (settings, database):
        # heavy: SQLAlchemy and Alembic
        from rich.console import Console

        from poutama.db.migrate import migrate as bring_up_to_date
        from poutama.demo.seed import enrol_school
        from poutama.features import load_features
        from poutama.progress import ProgressLines

        steps = ProgressLines(Console())
        with steps.step("migrations") as step:
            applied = bring_up_to_date(database.url, histories=load_features().histories)
            step.note = f"{len(applied)} applied" if applied else "up to date"
        enrol_school(settings, database.url, students, steps)


@app.command(epilog="Example: poutama token student-0001@demo.example")
def token(
    email: Annotated[str, typer.Argument(help="For example student-0001@demo.example.")],
) -> None:
    """Print a bearer token for a person of this machine's database."""
    with open_command_database() as (settings, database):
        # heavy: the database driver and cryptography
        import asyncio

        from poutama.laptop.issuer import token_for

        home = open_home(settings)
        try:
            print(asyncio.run(token_for(database.url, home, email, settings=settings)))
        except DatabaseError as error:
            if error.sqlstate != NO_SUCH_TABLE:
                raise
            raise ConfigurationError(
                "the database of POUTAMA_DATABASE_URL has no tables yet: run `poutama demo`"
                if settings.database_url
                else f"{home}: no data yet: run `make up` or `poutama demo` first, or set"
                " POUTAMA_HOME to the folder that they used"
            ) from error


@app.command(epilog="Example: poutama schema > schema.graphql")
def schema() -> None:
    """Print the public schema."""
    # heavy: the schema compiler
    from poutama.features import load_model
    from poutama.schema.load import print_public_sdl

    print(print_public_sdl(load_model()), end="")


@app.command(epilog="Example: poutama permissions > permissions.md")
def permissions() -> None:
    """Print who may see and change what: the page docs/permissions.md."""
    # heavy: the schema compiler
    from poutama.features import load_model
    from poutama.reference.permissions_page import render_permissions_page

    print(render_permissions_page(load_model()), end="")


chaos = typer.Typer(
    help="Kill the database under a writing load, and audit what is left.",
    epilog="Example: poutama chaos --seconds 60 --history run.jsonl",
    invoke_without_command=True,
)
app.add_typer(chaos, name="chaos")


@chaos.callback()
def _run_chaos(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(help="How long to write.")] = 30.0,
    writers: Annotated[int, typer.Option(min=1, help="Clients that write.")] = 6,
    readers: Annotated[int, typer.Option(min=1, help="Clients that read.")] = 3,
    every: Annotated[float, typer.Option(help="Seconds of peace between two faults.")] = 3.0,
    url: Annotated[str, typer.Option(help="A cluster; else an embedded PostgreSQL.")] = "",
    node: Annotated[list[str] | None, typer.Option(help="A node to stop; repeat.")] = None,
    kill_command: Annotated[str, typer.Option(help="Kills {node}; a shell command.")] = "",
    drain_command: Annotated[str, typer.Option(help="Drains and stops {node}.")] = "",
    restart_command: Annotated[str, typer.Option(help="Starts {node} again.")] = "",
    ready_command: Annotated[str, typer.Option(help="Succeeds when {node} is ready.")] = "",
    history: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    keep: Annotated[bool, typer.Option(help="Leave the rows in the database.")] = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    # heavy: the compiler, the database driver, SQLAlchemy
    from poutama.chaos.command import Options, run_and_judge
    from poutama.chaos.database_nodes import Commands
    from poutama.laptop.direct_api import DirectApi

    settings = read_settings()
    options = Options(
        seconds=seconds,
        writers=writers,
        readers=readers,
        every=every,
        url=url,
        nodes=tuple(node or ()),
        commands=Commands(kill_command, drain_command, restart_command, ready_command),
        history=history,
        keep=keep,
    )
    with StopRequest() as stop, suppress(Stopped):
        passed = run_and_judge(options, settings, open_home(settings), DirectApi, stop.watch)
        sys.exit(0 if passed else 1)
    sys.exit(INTERRUPTED)


@chaos.command(epilog="Example: poutama chaos verify run.jsonl")
def verify(
    history: Annotated[Path, typer.Argument(help="A file that `poutama chaos` wrote.")],
    url: Annotated[str, typer.Option(help="Look again in this database (after --keep).")] = "",
) -> None:
    """Judge a history again, by the file or by what the database holds now."""
    # heavy: the database driver, SQLAlchemy
    from poutama.chaos.command import verify as judge_again

    with notice("reading the database, for 5 min at most" if url else "reading the history"):
        passed = judge_again(history, read_settings(), url)
    if not passed:
        sys.exit(1)


@app.command(epilog="Example: poutama package --output dist --architecture arm64")
def package(
    output: Annotated[Path, typer.Option(help="Where the zip files go.")] = Path("dist"),
    architecture: Annotated[
        list[str] | None, typer.Option(help="x86_64 or arm64; repeat. Both without it.")
    ] = None,
) -> None:
    """Make the functions' zip files, for the Python of `POUTAMA_FUNCTION_PYTHON`."""
    # heavy: only needed here
    from rich.console import Console

    from poutama.packaging.function_package import build_packages
    from poutama.progress import ProgressLines

    python, steps = read_settings().function_python, ProgressLines(Console())
    open_folder(output)
    if not build_packages(python, output, architecture, steps):
        print("without bytecode: there is no Python of that version here to write it; cold starts")
        print("take longer. Install one, or let the machine that deploys run `make package`.")


app.add_typer(documents, name="documents")
app.add_typer(organisations, name="organisations")
jobs = typer.Typer(
    help="List the newest jobs, or retry or cancel one.",
    epilog="Example: poutama jobs --state FAILED",
    invoke_without_command=True,
)
app.add_typer(jobs, name="jobs")


@jobs.callback()
def _show_jobs(
    context: typer.Context,
    state: Annotated[JobStateName | None, typer.Option(help="Only those.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 30,
) -> None:
    if context.invoked_subcommand is not None:
        return
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.jobs import open_console, show_jobs

        show_jobs(settings, database.url, open_console(), state=state, limit=limit)


@jobs.command(epilog=f"Example: poutama jobs retry {EXAMPLE_ID}")
def retry(
    job: Annotated[UUID, typer.Argument(help="The id of one that failed or was stopped.")],
) -> None:
    """Try a job again, from where it was."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.jobs import retry_job

        retry_job(settings, database.url, job)
    print("queued again; a worker sees it within a minute")


@jobs.command(epilog=f"Example: poutama jobs cancel {EXAMPLE_ID}")
def cancel(
    job: Annotated[UUID, typer.Argument(help="The id of one that waits or runs.")],
) -> None:
    """Stop a job; what it has done so far stays done."""
    with open_command_database() as (settings, database):
        # heavy: the database driver
        from poutama.commands.jobs import cancel_job

        cancel_job(settings, database.url, job)
    print("stopped, or about to stop")


app.add_typer(requests, name="requests")
app.add_typer(address_conflicts, name="address-conflicts")


@app.command(name="settings", epilog="Example: poutama settings")
def show_settings(
    markdown: Annotated[bool, typer.Option(help="Print the page docs/settings.md.")] = False,
) -> None:
    """Every setting: the variable, its value, and what it is for."""
    if markdown:
        # heavy: only needed here
        from poutama.reference.settings_page import render_settings_page

        print(render_settings_page(), end="")
        return
    for variable, default, value, text in describe_settings(read_settings()):
        changed = f"  (default: {default or 'empty'})" if value != default else ""
        print(f"{variable}={value}{changed}\n    {text}")
