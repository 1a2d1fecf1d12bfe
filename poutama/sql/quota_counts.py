"""How many rows there are under a quota, counted no further than the quota asks.

`sql.write` makes it a condition of the statement that inserts; `poutama.quotas` counts apart from
that: to say why a row was refused, and for rows that many statements write. A count reads at most
as many entries of an index as there may be rows, and one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poutama.plan.nodes import All, Insert, QuotaCheck
from poutama.plan.values import Constant, Value
from poutama.schema.model import Entity
from poutama.schema.quota import Exemption, Quota
from poutama.sql.condition import TRUE, Condition, all_of, any_of, negate
from poutama.sql.fragment import Parameters, name_column, quote_name, quote_text
from poutama.sql.predicate import Conditions
from poutama.sql.statement import Statement

BEYOND = 1_000
"""How far a count goes beyond the limit where it is shown: a limit may have been lowered."""


def render_count(
    parameters: Parameters,
    entity: Entity,
    quota: Quota,
    within: str,
    limit: int,
    about: Condition = TRUE,
    by: str | None = None,
) -> str:
    """A query of `used`, how many rows count, `most` of them at most, and of `wait`: in how many
    seconds the oldest of them stops counting, NULL where none ever does.

    Args:
        parameters: of the statement.
        entity: whose rows.
        quota: which of them count.
        within: the value that they share, as SQL.
        limit: where to stop.
        about: nothing is counted, nor read, unless this holds of the new row.
        by: the value that they share in the quota's other column, if it has one.
    """
    conditions = [f"{name_column('sibling', quota.within)} = {within}", *_list_kinds(quota)]
    if quota.by is not None and by is not None:
        conditions.append(f"{name_column('sibling', quota.by)} = {by}")
    wait, shown = "NULL::int8", "1"
    if quota.hours is not None:
        span = f"interval '{quota.hours} hours'"
        conditions.append(f"sibling.created_at > now() - {span}")
        wait = f"ceil(extract(epoch FROM min(sibling.created_at) + {span} - now()))::int8"
        shown = "sibling.created_at"
    table = quote_name(entity.base or entity.table)
    stop = parameters.place(Constant(limit), "int8")
    return (
        f"SELECT count(*) AS used, {wait} AS wait FROM (SELECT {shown} FROM {table} AS sibling"
        f"{all_of(about, *map(Condition, conditions)).where} LIMIT {stop}) AS sibling"
    )


def _list_kinds(quota: Quota) -> Iterator[str]:
    """Which of the rows that share the values count."""
    for column, words in quota.rows:
        listed = ", ".join(quote_text(word) for word in words)
        yield f"{name_column('sibling', column)} IN ({listed})"
    if quota.unless is not None:
        yield f"NOT {_render_exempt(quota.unless, name_column('sibling', quota.unless.key))}"


def render_checks(
    conditions: Conditions, entity: Entity, checks: Sequence[QuotaCheck]
) -> tuple[list[str], list[str], Condition]:
    """The checks of a new row.

    Returns:
        The counts as common table expressions, their names, and the condition that holds where
        there is a place for the row.
    """
    ctes, names, allowed = [], [], []
    parameters = conditions.parameters
    for check in checks:
        name = conditions.names.take("quota")
        within = parameters.place(check.within, "uuid")
        about = _render_about(conditions, name, check)
        by = _place_by(parameters, check)
        query = render_count(parameters, entity, check.quota, within, check.limit, about, by)
        ctes.append(f"{name} AS ({query})")
        names.append(name)
        place = Condition(f"{name}.used < {parameters.place(Constant(check.limit), 'int8')}")
        allowed.append(any_of(negate(about), place))
    return ctes, names, all_of(*allowed)


def render_refusal(change: Insert) -> Statement:
    """What explains an insert that wrote nothing: a row of `used`, `wait` and whether the quota is
    about the new row, for each of its checks in turn; no row where a parent is not there.
    """
    conditions = Conditions(Parameters())
    parameters = conditions.parameters
    counts, shown, guards, tables = [], [], [], []
    for check in change.quotas:
        name = conditions.names.take("quota")
        within = parameters.place(check.within, "uuid")
        limit, by = check.limit + BEYOND, _place_by(parameters, check)
        query = render_count(parameters, change.entity, check.quota, within, limit, by=by)
        counts.append(f"{name} AS ({query})")
        tables.append(name)
        about = _render_about(conditions, name, check).text
        shown.append(f"{name}.used, {name}.wait, {about}")
    for parent in change.parents:
        alias = conditions.names.take(parent.entity.table)
        tables.append(f"{quote_name(parent.entity.table)} AS {alias}")
        guards.append(Condition(f"{alias}.id = {parameters.place(parent.id, 'uuid')}"))
        guards.append(conditions.render(alias, parent.guard))
    text = (
        f"WITH {', '.join(counts)} SELECT {', '.join(shown)}"
        f" FROM {', '.join(tables)}{all_of(*guards).where}"
    )
    return Statement(text, parameters.values)


def _render_about(conditions: Conditions, name: str, check: QuotaCheck) -> Condition:
    """Whether the quota is about the new row."""
    about = conditions.render(name, All(check.conditions))
    if check.quota.unless is None or check.unless is None:
        return about
    key = conditions.parameters.place(check.unless, "uuid")
    return all_of(about, Condition(f"NOT {_render_exempt(check.quota.unless, key)}"))


def _render_exempt(unless: Exemption, key: str) -> str:
    """Whether the row with this id exempts those that lead to it."""
    table, flag = quote_name(unless.table), name_column("exempt", unless.column)
    return f"EXISTS (SELECT 1 FROM {table} AS exempt WHERE exempt.id = {key} AND {flag})"


def _place_by(parameters: Parameters, check: QuotaCheck) -> str | None:
    return None if check.by is None else parameters.place(check.by, "uuid")


def render_usage(entity: Entity, quota: Quota, within: Value, limit: int) -> Statement:
    """A statement of one count."""
    parameters = Parameters()
    text = render_count(parameters, entity, quota, parameters.place(within, "uuid"), limit)
    return Statement(text, parameters.values)
