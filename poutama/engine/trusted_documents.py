"""Trusted documents: the operations that a client was published with, by their SHA-256.

The entry point reads the files that `settings.trusted_documents` names; the engine asks for every
request. Documents of earlier releases are served for a while, because clients that are open, or
offline, still send them. Nothing is ever registered by a request, so no caller can add a document
while it runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from poutama.engine.document_manifest import PublishedDocument, hash_document, read_documents
from poutama.errors import (
    BadRequestError,
    ConfigurationError,
    DocumentExpiredError,
    DocumentNotTrustedError,
    PersistedQueryNotFoundError,
    PersistedQueryNotSupportedError,
)
from poutama.plan.operation import GraphQLRequest

NOT_SUPPORTED = "PersistedQueryNotSupported"
"""The message by which Apollo's and urql's clients know to send documents afterwards."""
VARIABLE = "POUTAMA_TRUSTED_DOCUMENTS"
DAY_SECONDS = 86_400


class TrustedDocuments:
    """The documents that are served; with None every document that is sent in full is."""

    def __init__(
        self,
        documents: Mapping[str, PublishedDocument] | None,
        *,
        days: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Serve these documents.

        Args:
            documents: by their ids; None: every document that is sent in full.
            days: for which a document is served that the newest release does not have.
            clock: counts seconds since 1970.
        """
        self._documents = documents
        self._seconds = days * DAY_SECONDS
        self._clock = clock

    def find(self, request: GraphQLRequest) -> GraphQLRequest:
        """The request with its document.

        Raises:
            PersistedQueryNotSupportedError: it has a document id and no document, and there are
                no documents to choose from.
            PersistedQueryNotFoundError: its document id is unknown.
            DocumentNotTrustedError: its document is not among the trusted ones.
            DocumentExpiredError: its document is of an earlier release, for too long.
            BadRequestError: its document id is not that of its document.
        """
        named, text = request.document_id, request.query
        if named is not None and text and named != hash_document(text):
            raise BadRequestError(
                "The document's id does not match: expected the SHA-256 of `query`."
            )
        if self._documents is None:
            if named is not None and not text:
                raise PersistedQueryNotSupportedError(NOT_SUPPORTED)
            return request
        found = self._documents.get(named or hash_document(text))
        if found is None and text:
            raise DocumentNotTrustedError
        if found is None:
            raise PersistedQueryNotFoundError(
                f"Document {(named or '')[:64]!r} not found; only published documents are served."
            )
        if found.dropped is not None:
            self._check_age(named or hash_document(text), found.dropped.timestamp())
        return replace(request, query=found.text)

    def _check_age(self, name: str, dropped: float) -> None:
        end = dropped + self._seconds
        if self._clock() > end:
            day = time.strftime("%Y-%m-%d", time.gmtime(end))
            raise DocumentExpiredError(
                f"Document {name!r} is of an earlier release, served until {day}: update the app."
            )


def read_trusted_documents(paths: str, *, days: float) -> TrustedDocuments:
    """Read the files; with none, trust every document.

    Args:
        paths: files of `engine.document_manifest`, one for each client, separated by commas.
        days: for which documents of earlier releases are served.

    Raises:
        ConfigurationError: a file cannot be read, or has something else; `days` is negative.
    """
    if days < 0:
        raise ConfigurationError(f"POUTAMA_TRUSTED_DOCUMENT_DAYS: expected 0 or more, got {days:g}")
    files = list_manifests(paths)
    if not files:
        return TrustedDocuments(None)
    documents: dict[str, PublishedDocument] = {}
    try:
        for file in files:
            for name, document in read_documents(file).items():
                # What two clients have is served as long as the one that has it for longer asks.
                if name not in documents or _end(documents[name]) < _end(document):
                    documents[name] = document
    except ConfigurationError as error:
        raise ConfigurationError(f"{VARIABLE}: {error.message}") from error
    return TrustedDocuments(documents, days=days)


def list_manifests(paths: str) -> list[Path]:
    """Return the files that the setting names."""
    return [Path(each.strip()) for each in paths.split(",") if each.strip()]


def _end(document: PublishedDocument) -> float:
    return math.inf if document.dropped is None else document.dropped.timestamp()
