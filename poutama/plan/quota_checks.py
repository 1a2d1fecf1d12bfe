"""What an insert must ask of its type's quotas, and what a refusal says.

Called by `plan.writes` and `plan.change_plan`, which know the new row's columns; `sql.quota_counts`
renders the checks as conditions of the statement that inserts. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poutama.errors import QuotaExceededError
from poutama.plan.nodes import Children, NewRow, OneOf, Parent, QuotaCheck
from poutama.plan.values import Constant, SqlConstant, Value, ViewerId
from poutama.schema.model import Entity
from poutama.schema.quota import Quota
from poutama.settings import Settings


def check_quotas(
    entity: Entity, row: NewRow, parents: tuple[Parent, ...], settings: Settings
) -> tuple[QuotaCheck, ...]:
    """The checks of a new row: of a quota that cannot be about it, none."""
    if not entity.quotas:
        return ()
    cells: dict[str, Value] = {each.column.name: each.value for each in row.assignments}
    cells |= {each.relation.key: each.id for each in parents if each.relation.key is not None}
    if entity.owner is not None:
        cells[entity.owner] = ViewerId()
    return tuple(
        check
        for quota in entity.quotas
        if (check := _check(quota, cells, quota.allowed(settings))) is not None
    )


def check_children(children: Children, settings: Settings) -> None:
    """Hold rows that are inserted along with their parent to the quotas within the parent.

    Raises:
        QuotaExceededError: there are more of them than the parent may have.
    """
    count = len(children.rows)
    for quota in children.entity.quotas:
        allowed = quota.allowed(settings)
        if quota.within == children.relation.key and not quota.rows and count > allowed:
            raise quota_exceeded(quota, allowed, used=0, adding=count)


def quota_exceeded(
    quota: Quota, allowed: int, *, used: int, adding: int = 1, wait: int | None = None
) -> QuotaExceededError:
    """The error for a row, or several, that a quota has no place for.

    Args:
        quota: which.
        allowed: how many there may be.
        used: how many there are.
        adding: how many were to be added.
        wait: seconds until there is a place again, of a quota of so many hours.
    """
    parts = list(_explain(quota, allowed, used, adding))
    extensions = {"limit": quota.name, "allowed": allowed, "used": used}
    if quota.hours is not None:
        wait = quota.hours * 3_600 if wait is None else max(1, wait)
        parts.append(f"Try again in {_in_words(wait)}.")
        extensions["retryAfter"] = wait
    if quota.advice:
        parts.append(quota.advice)
    return QuotaExceededError(" ".join(parts), **extensions)


def _explain(quota: Quota, allowed: int, used: int, adding: int) -> Iterator[str]:
    span = "" if quota.hours is None else f" in {_in_words(quota.hours * 3_600)}"
    more = "" if adding == 1 else f", and {adding:,} more would be added"
    yield f"{quota.what}: at most {allowed:,} allowed{span}, and there are {used:,}{more}."


def _in_words(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{-(-minutes // 60)} h"


def _check(quota: Quota, cells: Mapping[str, Value], limit: int) -> QuotaCheck | None:
    within = cells.get(quota.within)
    by = None if quota.by is None else cells.get(quota.by)
    if within is None or isinstance(within, SqlConstant) or (quota.by is not None and by is None):
        return None
    conditions: list[OneOf] = []
    for column, words in quota.rows:
        match cells.get(column):
            case None:  # the table's default, which the rule may be about
                continue
            case Constant(known) if known in words:
                continue
            case Constant() | SqlConstant():
                return None
            case value:
                conditions.append(OneOf(value, words))
    unless = None if quota.unless is None else cells.get(quota.unless.key)
    return QuotaCheck(quota, within, by, limit, tuple(conditions), unless)
