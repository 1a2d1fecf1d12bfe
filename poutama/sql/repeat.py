"""Idempotency keys in SQL: what was kept under a key, and keeping a response under it.

The rows live in `idempotency_key`. A key that has expired counts as unseen and is overwritten.
Two requests with the same key at the same moment both find it unseen; serializable isolation lets
one of them commit and makes the other go again, and then find it.
"""

from __future__ import annotations

from json import dumps

from poutama.plan.values import Constant, Fingerprint, IdempotencyKey, ViewerId
from poutama.sql.fragment import Parameters, quote_text
from poutama.sql.statement import Statement

RETENTION = "1 day"
"""How long a key is remembered; `docs/transactions.md` promises it."""


def render_seen(parameters: Parameters) -> str:
    """The query of what was kept under the request's key: no row, or one."""
    return (
        "SELECT entry.fingerprint, entry.response FROM idempotency_key AS entry"
        f" WHERE entry.person_id = {parameters.place(ViewerId(), 'uuid')}"
        f" AND entry.key = {parameters.place(IdempotencyKey(), 'text')}"
        " AND entry.expires_at > now()"
    )


def render_kept(parameters: Parameters, key: str) -> str:
    """The INSERT that keeps the CTE `answer` as the response, if anything was written."""
    opening = quote_text("{" + dumps(key) + ":")
    return _insert(parameters, f"{opening} || answer.data || '}}'") + (
        f" FROM answer WHERE answer.written > 0{_ON_CONFLICT} RETURNING 1"
    )


def find_repeated() -> Statement:
    """What was kept under the key, as a statement of its own."""
    parameters = Parameters()
    return Statement(render_seen(parameters), parameters.values)


def keep_response(response: str) -> Statement:
    """Keep this response under the key, as a statement of its own."""
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
