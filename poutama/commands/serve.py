"""`poutama serve` and `poutama worker`: the long-running processes of a team that hosts itself.

`commands.main` registers them. Both take settings from the environment, as functions do, and trust
the issuers named there: there is no local issuer and no demo school.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from poutama.configuration import open_home, read_settings
from poutama.errors import ConfigurationError
from poutama.progress import notice
from poutama.server.stop import Stopped, StopRequest

WAITING = "waiting for the database"


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; POUTAMA_HOST without it.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; POUTAMA_PORT without it.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; POUTAMA_WORKERS without it.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate chain; POUTAMA_TLS_CERT without it.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="Its key; POUTAMA_TLS_KEY without it.")
    ] = None,
) -> None:
    """Serve the API for good, over your database. SIGTERM drains and stops it."""
    with StopRequest() as stop, suppress(Stopped):
        # heavy: the server, the compiler, the database driver
        from poutama.server.server_supervisor import run_serve

        options = {
            "host": host,
            "port": port,
            "workers": workers,
            "tls_cert": None if tls_cert is None else str(tls_cert),
            "tls_key": None if tls_key is None else str(tls_key),
        }
        chosen = {name: value for name, value in options.items() if value is not None}
        settings = replace(read_settings(), **chosen)  # type: ignore[arg-type]
        with notice(WAITING) as call_off:

            def print_address(address: str) -> None:
                call_off()
                print(f"ready: {address}", flush=True)

            run_serve(settings, stop, print_address)


def worker() -> None:
    """Run jobs and the schedule for `poutama serve`. SIGTERM releases the jobs under way."""
    with StopRequest() as stop, suppress(Stopped):
        # heavy: the compiler, the database driver
        from poutama.server.worker_process import run_worker_process

        settings = read_settings()
        open_home(settings)
        if not settings.database_url:
            raise ConfigurationError(
                "POUTAMA_DATABASE_URL: expected the URL of a database, such as"
                " postgresql://user@host/name; got none"
            )
        with notice(WAITING) as call_off:

            def print_ready() -> None:
                call_off()
                print("ready", flush=True)

            run_worker_process(settings, stop, print_ready)
