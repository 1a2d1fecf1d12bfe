"""What must hold before a procedure is called, as one statement: a truth for each permit."""

from __future__ import annotations

from poutama.plan.mutation_steps import Permit
from poutama.sql.condition import Condition, all_of
from poutama.sql.fragment import Parameters, name_column, quote_name
from poutama.sql.predicate import Conditions
from poutama.sql.statement import Statement


def render_permits(permits: tuple[Permit, ...]) -> Statement | None:
    """One row with a boolean for each permit, in their order; None for none."""
    if not permits:
        return None
    conditions = Conditions(Parameters())
    columns = []
    for permit in permits:
        named = f"{name_column('this', 'id')} = {conditions.parameters.place(permit.id, 'uuid')}"
        where = all_of(Condition(named), conditions.render("this", permit.guard)).where
        table = quote_name(permit.entity.base or permit.entity.table)
        exists = f"EXISTS (SELECT 1 FROM {table} AS this{where})"
        columns.append(f"{exists} AS {quote_name(permit.input)}")
    return Statement(f"SELECT {', '.join(columns)}", conditions.parameters.values)
