"""Idempotency keys in SQL: look up what was written under a key, and store it.

What is stored are the ids of the rows that each root field returned, never their content: sent
again, a mutation reads its payload through the guard, as of then. The rows are in
`idempotency_key`. An expired key counts as new and is overwritten. Two requests with the same key
at the same moment both find it new; serializable isolation commits one of them and has the other
retry, which then finds what was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps

from poutama.plan.values import Constant, Fingerprint, IdempotencyKey, ViewerId
from poutama.sql.fragment import Parameters, quote_text
from poutama.sql.statement import Statement

RETENTION = "1 day"
"""How long a key is stored, as `docs/transactions.md` promises."""


def render_lookup(parameters: Parameters) -> str:
    """Return the query for what is stored under the request's key: no row, or one."""
    return (
        "SELECT entry.fingerprint, entry.written FROM idempotency_key AS entry"
        f" WHERE entry.person_id = {parameters.place(ViewerId(), 'uuid')}"
        f" AND entry.key = {parameters.place(IdempotencyKey(), 'text')}"
        " AND entry.expires_at > now()"
    )


def render_store(parameters: Parameters, returned: Sequence[str]) -> str:
    """Return the INSERT that stores the id of the CTE `written`'s row, if there is one.

    `returned`: the fields of the payload that are that row, or its id.
    """
    row = "written.id::text"
    pairs = (f"{quote_text(f'{dumps(name)}:')} || to_json({row})::text" for name in returned)
    listed = " || ',' || ".join(pairs)
    return _insert(parameters, f"'[{{' || {listed} || '}}]'") + (
        f" FROM written WHERE true{_ON_CONFLICT} RETURNING 1"
    )


def lookup_written() -> Statement:
    """Return the statement that looks up what was written under the key."""
    parameters = Parameters()
    return Statement(render_lookup(parameters), parameters.values)


def store_written(returned: Sequence[Mapping[str, object]]) -> Statement:
    """Return the statement that stores what each root field returned under the key."""
    parameters = Parameters()
    text = dumps(returned, ensure_ascii=False, separators=(",", ":"), default=str)
    place = parameters.place(Constant(text), "text")
    text = _insert(parameters, place) + f" WHERE true{_ON_CONFLICT}"
    return Statement(text, parameters.values)


def _insert(parameters: Parameters, written: str) -> str:
    return (
        "INSERT INTO idempotency_key AS entry (person_id, key, fingerprint, written, expires_at)"
        f" SELECT {parameters.place(ViewerId(), 'uuid')},"
        f" {parameters.place(IdempotencyKey(), 'text')},"
        f" {parameters.place(Fingerprint(), 'text')}, {written},"
        f" now() + interval '{RETENTION}'"
    )


_ON_CONFLICT = (
    " ON CONFLICT (person_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
    " written = excluded.written, expires_at = excluded.expires_at WHERE"
    " entry.expires_at <= now()"
)
