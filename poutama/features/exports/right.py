"""Whether somebody may have a journey: whoever may see a student's goals.

The rule of the type Goal itself, compiled as it is for every read, so that there is no second one
to keep like it. `request` asks before a job begins, `steps` before every piece of work.
"""

from __future__ import annotations

from functools import cache

from poutama.features import load_model
from poutama.plan.guard import visible_rows
from poutama.plan.nodes import AnyOf, OwnedBy, Stands
from poutama.plan.values import ViewerId
from poutama.schema.model import Scope
from poutama.sql.condition import Condition, all_of, any_of
from poutama.sql.fragment import Parameters
from poutama.sql.standing import render_standing

_PERSON = "person_id"
"""The column of a goal that says whose it is."""


@cache
def statement_of_right() -> str:
    """Yields a row where the viewer $1 may see the goals of the person $2.

    Raises:
        AssertionError: the rule of goals has a form that says nothing about a person's goals.
    """
    model = load_model()
    rule = visible_rows(model.entities, model.entities["Goal"])
    parameters = Parameters()
    viewer = parameters.place(ViewerId(), "uuid")
    conditions = []
    for part in rule.parts if isinstance(rule, AnyOf) else (rule,):
        match part:
            case OwnedBy(column=column) if column == _PERSON:
                conditions.append(Condition(f"p.id = {viewer}"))
            case Stands(scope=Scope.PERSON, column=column) if column == _PERSON:
                conditions.append(render_standing(parameters, "p.id", part))
            case _:
                raise AssertionError(f"a goal is visible by {part}")
    assert parameters.values == (ViewerId(),)
    allowed = all_of(Condition("p.id = $2::uuid"), any_of(*conditions))
    return f"SELECT 1 FROM person AS p{allowed.where}"  # noqa: S608
