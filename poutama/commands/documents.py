"""`poutama documents` and `add`: a client's release, entered in the manifest of its documents.

The command line adds it; `engine.document_manifest` does the work. Needs no database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from poutama.configuration import read_settings

documents = typer.Typer(
    help="Count the documents that are trusted, or keep the manifest of those of a client.",
    epilog="Example: poutama documents",
    invoke_without_command=True,
)


@documents.callback()
def _count_documents(context: typer.Context) -> None:
    if context.invoked_subcommand is not None:
        return
    # heavy: the compiler
    from poutama.engine.document_manifest import read_documents
    from poutama.engine.trusted_documents import list_manifests

    for file in list_manifests(read_settings().trusted_documents):
        published = read_documents(file).values()
        earlier = sum(each.dropped is not None for each in published)
        print(f"{file}: released {len(published) - earlier}, of earlier releases {earlier}")


@documents.command(
    "add", epilog="Example: poutama documents add web.jsonl persisted-documents.json"
)
def add(
    manifest: Annotated[
        Path,
        typer.Argument(help="The manifest of one client, which a line is appended to."),
    ],
    release: Annotated[
        Path,
        typer.Argument(
            help="All documents of its release: a JSON object, a document's text under its SHA-256."
        ),
    ],
) -> None:
    """Enter a release of a client: its documents are trusted, those before for a while longer."""
    # heavy: the compiler
    from poutama.engine.document_manifest import add_release

    changes = add_release(manifest, release, datetime.now(UTC))
    print(f"released {changes.total}, added {changes.added}, dropped {changes.dropped}")
