"""Rows that belong to their parent by the memberships of people, as SQL.

`sql.levels` calls it. The row above is called `parent`, as in every level; of its columns `key` and
`row_id` are used.
"""

from __future__ import annotations

from poutama.plan.nodes import Link
from poutama.sql.condition import TRUE, Condition, Form, all_of
from poutama.sql.fragment import name_column, quote_name
from poutama.sql.predicate import Conditions
from poutama.sql.relationship import render_is_current


def select_people(conditions: Conditions, link: Link, above: str, among: Condition) -> str:
    """The query of the people of each row of the level `above`, each once: `key` and `person`.

    `among`: which of the rows above count.
    """
    alias = conditions.names.take(link.entity.table)
    on = all_of(_of_parent(conditions, link, alias), conditions.render(alias, link.reach), among)
    person = name_column(alias, link.person)
    return f"SELECT DISTINCT parent.key, {person} AS person FROM {_join(link, above, alias, on)}"


def find_links(conditions: Conditions, link: Link, above: str, among: Condition) -> str:
    """The memberships that are looked at for each row of the level `above`, behind FROM."""
    alias = conditions.names.take(link.entity.table)
    return _join(link, above, alias, all_of(_of_parent(conditions, link, alias), among))


def is_linked(conditions: Conditions, link: Link, person: str) -> Condition:
    """The condition that one of the memberships of `parent` is that of the person of this name."""
    alias = conditions.names.take(link.entity.table)
    where = all_of(_of_parent(conditions, link, alias), conditions.render(alias, link.reach)).where
    table = quote_name(link.entity.table)
    return Condition(
        f"{person} IN (SELECT {name_column(alias, link.person)} FROM {table} AS {alias}{where})"
    )


def _join(link: Link, above: str, alias: str, on: Condition) -> str:
    return f"{above} AS parent JOIN {quote_name(link.entity.table)} AS {alias} ON {on.text}"


def _of_parent(conditions: Conditions, link: Link, alias: str) -> Condition:
    """The current memberships of `parent` that the viewer may see."""
    student = Condition(f"{name_column(alias, 'role')} = 'STUDENT'")
    return all_of(
        Condition(f"{name_column(alias, link.key)} = {name_column('parent', 'row_id')}"),
        student if link.students else TRUE,
        Condition(render_is_current(alias), Form.AND),
        conditions.render(alias, link.where),
    )
