"""Quotas outside the statement that inserts: why a row was refused, and rows in bulk.

`Changes` and `engine.mutation` ask why an insert wrote nothing. What is written by other means,
such as a job's row or the thousands of a roster, is counted here in the same transaction. The
limits are those that `@quota` declares.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from poutama.errors import QuotaExceededError
from poutama.plan.binding import Binding
from poutama.plan.nodes import Insert
from poutama.plan.quota_checks import quota_exceeded
from poutama.plan.values import Variable
from poutama.schema.model import Entity, Model
from poutama.schema.quota import Quota
from poutama.settings import Settings
from poutama.sql.quota_counts import BEYOND, render_refusal, render_usage
from poutama.sql.statement import bind_values

Fetch: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]
"""Runs a statement that changes nothing: its text, and then its values."""

_WITHIN = Variable(("within",))


async def find_refusal(change: Insert, binding: Binding, fetch: Fetch) -> QuotaExceededError | None:
    """Why an insert wrote nothing, if a quota was used up; None if a parent was not there."""
    if not change.quotas:
        return None
    statement = render_refusal(change)
    rows = await fetch(statement.text, *bind_values(statement, binding))
    if not rows:
        return None
    (row,) = rows
    found = [
        (row[3 * n] - check.limit, check, row[3 * n], row[3 * n + 1])
        for n, check in enumerate(change.quotas)
        if row[3 * n + 2]
    ]
    if not found:
        return None
    # Where a place has become free since: the one that has the fewest.
    _, check, used, wait = max(found, key=lambda each: each[0])
    return quota_exceeded(check.quota, check.limit, used=used, wait=wait)


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of one model, under one process's settings."""

    model: Model
    settings: Settings

    async def require(
        self,
        table: str,
        row: Mapping[str, object],
        fetch: Fetch,
        *,
        adding: int = 1,
        written: bool = False,
    ) -> None:
        """Hold rows to the quotas of their type that are about them, whatever else exempts them.

        Args:
            table: that of a type; one that is none has no quotas.
            row: the columns that all of them share.
            fetch: in the transaction that writes them.
            adding: how many there are.
            written: whether they are in the table already.

        Raises:
            QuotaExceededError: there is no place for them; the transaction must not commit.
        """
        for entity in self.model.entities.values():
            for quota in entity.quotas if table in (entity.table, entity.base) else ():
                within = row.get(quota.within)
                if isinstance(within, UUID) and _is_about(quota, row):
                    await self._require(entity, quota, within, fetch, adding, written=written)

    async def _require(
        self,
        entity: Entity,
        quota: Quota,
        within: UUID,
        fetch: Fetch,
        adding: int,
        *,
        written: bool,
    ) -> None:
        allowed = quota.allowed(self.settings)
        statement = render_usage(entity, quota, _WITHIN, allowed + BEYOND)
        binding = Binding({"within": within}, None, max_page_size=0)
        ((used, wait),) = await fetch(statement.text, *bind_values(statement, binding))
        used -= adding if written else 0
        if used + adding > allowed:
            raise quota_exceeded(quota, allowed, used=used, adding=adding, wait=wait)


def _is_about(quota: Quota, row: Mapping[str, object]) -> bool:
    return all(row.get(column) in words for column, words in quota.rows)
