"""What new rows get in columns that nothing is given for: `@default`, as places of values.

Called by `plan.writes` and `plan.change_plan`, so that rows of a type have the same defaults
whether a mutation or a procedure inserts them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from poutama.plan.nodes import Assignment
from poutama.plan.values import Constant, Default, SqlConstant, Value
from poutama.schema.model import Column, ColumnDefault, Entity


def add_defaults(entity: Entity, assignments: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
    """The assignments of a new row, with the defaults of columns that nothing is given for."""
    assigned = {each.column.name: each.value for each in assignments}
    return (
        *assignments,
        *(
            Assignment(column, value)
            for column in entity.columns
            if column.name not in assigned and (value := _choose(column, assigned)) is not None
        ),
    )


def _choose(column: Column, assigned: Mapping[str, Value]) -> Value | None:
    """The place of the column's default; None where that of the table holds."""
    found: Value | None = None
    for default in reversed(column.defaults):
        if not default.row_is:
            found = Constant(default.value)
        elif found is not None and (conditions := _find_conditions(default, assigned)) is not None:
            found = Default(conditions, default.value, found)
    return found


def _find_conditions(
    default: ColumnDefault, assigned: Mapping[str, Value]
) -> tuple[tuple[Value, tuple[str, ...]], ...] | None:
    """The given values that decide; None where one is not known: the default is not meant."""
    found = []
    for each in default.row_is:
        value = assigned.get(each.column.name)
        if value is None or isinstance(value, SqlConstant):
            return None
        found.append((value, each.values))
    return tuple(found)
