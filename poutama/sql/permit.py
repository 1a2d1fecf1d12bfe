"""What must hold before a procedure is called, as one statement: a truth for each permit."""

from __future__ import annotations

from poutama.plan.nodes import Permit
from poutama.sql.fragment import Parameters, name_column, quote_name
from poutama.sql.predicate import Conditions
from poutama.sql.statement import Statement


def render_permits(permits: tuple[Permit, ...]) -> Statement | None:
    """One row with a boolean for each permit, in their order; None for none."""
    if not permits:
        return None
    conditions = Conditions(Parameters())
    columns = [
        f"EXISTS (SELECT 1 FROM {quote_name(permit.entity.base or permit.entity.table)} AS a"
        f" WHERE {name_column('a', 'id')} = {conditions.parameters.place(permit.id, 'uuid')}"
        f" AND {conditions.render('a', permit.guard)}) AS {quote_name(permit.input)}"
        for permit in permits
    ]
    return Statement(f"SELECT {', '.join(columns)}", conditions.parameters.values)
