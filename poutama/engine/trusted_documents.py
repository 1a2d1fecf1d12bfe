"""Trusted documents: the operations that a client was published with, by their SHA-256.

The entry point reads the file that `settings.trusted_documents` names; the engine asks for every
request. Nothing is ever registered by a request, so no caller can add a document while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec.structs import replace

from poutama.errors import (
    BadRequestError,
    ConfigurationError,
    DocumentNotTrustedError,
    PersistedQueryNotFoundError,
    PersistedQueryNotSupportedError,
)
from poutama.plan.operation import GraphQLRequest

NOT_SUPPORTED = "PersistedQueryNotSupported"
"""The message by which Apollo's and urql's clients know to send documents afterwards."""
VARIABLE = "POUTAMA_TRUSTED_DOCUMENTS"


class TrustedDocuments:
    """The documents that are served; with None every document that is sent in full is."""

    def __init__(self, documents: Mapping[str, str] | None) -> None:
        self._documents = documents

    def find(self, request: GraphQLRequest) -> GraphQLRequest:
        """The request with its document.

        Raises:
            PersistedQueryNotSupportedError: it has a document id and no document, and there are
                no documents to choose from.
            PersistedQueryNotFoundError: its document id is unknown.
            DocumentNotTrustedError: its document is not among the trusted ones.
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
        return replace(request, query=found)


def hash_document(text: str) -> str:
    """The id of a document: the SHA-256 of its text, in hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_trusted_documents(path: str) -> TrustedDocuments:
    """Read the file; with an empty path, trust every document.

    Raises:
        ConfigurationError: it cannot be read, is not a JSON object of texts, or a key is not the
            SHA-256 of its document.
    """
    if not path:
        return TrustedDocuments(None)
    try:
        documents = msgspec.json.decode(Path(path).read_bytes(), type=dict[str, str])
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{VARIABLE}: {path}: expected a JSON object, a document's text under its SHA-256"
        ) from error
    for name, text in documents.items():
        if name != hash_document(text):
            raise ConfigurationError(
                f"{VARIABLE}: {path}: {name[:64]!r}: expected its document's SHA-256,"
                f" {hash_document(text)}"
            )
    return TrustedDocuments(documents)
