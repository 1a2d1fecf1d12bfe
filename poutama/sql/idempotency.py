"""Idempotency keys in SQL: look up the response stored under a key, and store one.

The rows are in `idempotency_key`. An expired key counts as new and is overwritten. Two requests
with the same key at the same moment both find it new; serializable isolation commits one of them
and has the other retry, which then finds the stored response.
"""

from __future__ import annotations

from json import dumps

from poutama.plan.values import Constant, Fingerprint, IdempotencyKey, ViewerId
from poutama.sql.fragment import Parameters, quote_text
from poutama.sql.statement import Statement

RETENTION = "1 day"
"""How long a key is stored, as `docs/transactions.md` promises."""


def render_lookup(parameters: Parameters) -> str:
    """Return the query for the response stored under the request's key: no row, or one."""
    return (
        "SELECT entry.fingerprint, entry.response FROM idempotency_key AS entry"
        f" WHERE entry.person_id = {parameters.place(ViewerId(), 'uuid')}"
        f" AND entry.key = {parameters.place(IdempotencyKey(), 'text')}"
        " AND entry.expires_at > now()"
    )


def render_store(parameters: Parameters, key: str) -> str:
    """Return the INSERT that stores the CTE `answer` as the response, if anything was written."""
    opening = quote_text("{" + dumps(key) + ":")
    return _insert(parameters, f"{opening} || answer.data || '}}'") + (
        f" FROM answer WHERE answer.written > 0{_ON_CONFLICT} RETURNING 1"
    )


def lookup_response() -> Statement:
    """Return the statement that looks up the response stored under the key."""
    parameters = Parameters()
    return Statement(render_lookup(parameters), parameters.values)


def store_response(response: str) -> Statement:
    """Return the statement that stores this response under the key."""
    parameters = Parameters()
    place = parameters.place(Constant(response), "text")
    text = _insert(parameters, place) + f" WHERE true{_ON_CONFLICT}"
    return Statement(text, parameters.values)


def _insert(parameters: Parameters, response: str) -> str:
    return (
        "INSERT INTO idempotency_key AS entry (person_id, key, fingerprint, response, expires_at)"
        f" SELECT {parameters.place(ViewerId(), 'uuid')},"
        f" {parameters.place(IdempotencyKey(), 'text')},"
        f" {parameters.place(Fingerprint(), 'text')}, {response},"
        f" now() + interval '{RETENTION}'"
    )


_ON_CONFLICT = (
    " ON CONFLICT (person_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
    " response = excluded.response, expires_at = excluded.expires_at WHERE"
    " entry.expires_at <= now()"
)
