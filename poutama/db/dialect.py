"""Which engine answers, and what differs between the two.

Read from a connection once (`poutama.db.connection`); used by the code that renders or runs SQL.
Knows no SQL text beyond the transaction protocol and opens no connection.
"""

from __future__ import annotations

from enum import StrEnum

from poutama.errors import ConfigurationError


class Dialect(StrEnum):
    """The engine on the other side."""

    POSTGRESQL = "postgresql"
    COCKROACHDB = "cockroachdb"

    @property
    def rendering(self) -> str:
        """The faster rendering of reads here: `json` or `rows`."""
        return "json" if self is Dialect.POSTGRESQL else "rows"

    @property
    def restarts_by_savepoint(self) -> bool:
        """Whether a transaction that lost a race can go again without losing its place in line."""
        return self is Dialect.COCKROACHDB

    @property
    def timeout_hides_commit(self) -> bool:
        """Whether a statement that ran out of time (57014) may have committed all the same.

        CockroachDB's timer also covers the commit of a statement that stands alone, and RELEASE;
        its 57014 then replaces whatever else there was to say, an ambiguous result included.
        PostgreSQL stops the timer before it commits.
        """
        return self is Dialect.COCKROACHDB


def parse_dialect(text: str) -> Dialect | None:
    """Read the setting `database_dialect`; empty means that the server is to be asked.

    Raises:
        ConfigurationError: the text names no engine that is known here.
    """
    if not text:
        return None
    try:
        return Dialect(text)
    except ValueError as error:
        known = " or ".join(f"`{dialect}`" for dialect in Dialect)
        raise ConfigurationError(
            f"POUTAMA_DATABASE_DIALECT: expected {known}, got {text[:50]!r}"
        ) from error
