"""What is asked before a procedure is called: a truth for each permit; and for the row that has the
id which the client has made, whether it is the caller's.
"""

from __future__ import annotations

from poutama.plan.mutation_steps import MadeRow, Permit
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


def render_made_row(made: MadeRow) -> Statement:
    """No row where none has this id; or one with a boolean: whether the caller has made it."""
    conditions = Conditions(Parameters())
    mine = conditions.render("this", made.mine)
    table = quote_name(made.entity.base or made.entity.table)
    row = conditions.parameters.place(made.id, "uuid")
    text = f"SELECT {mine.text} AS made FROM {table} AS this WHERE this.id = {row}"
    return Statement(text, conditions.parameters.values)
