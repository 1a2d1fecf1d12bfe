"""Every place by which rows can be reached is confined to what the viewer may see.

`reached` walks a guarded plan and names each place that is neither guarded itself nor implied by
the row it hangs on. It knows of the guard only what the schema says: a rule's owner, or the
relation that it follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poutama.plan.guard import guard_read, visible_rows
from poutama.plan.nodes import (
    ALWAYS,
    All,
    Delete,
    Exists,
    Insert,
    Many,
    Not,
    One,
    OwnedBy,
    Page,
    Plan,
    Predicate,
    Read,
    Rows,
    Steps,
    Update,
    Write,
)
from poutama.plan.operation import GraphQLRequest
from poutama.plan.values import Returned, ViewerId
from poutama.schema.load import load_model
from poutama.schema.model import Entity, Relation, Shape
from tests.golden.compiled import plan_request
from tests.golden.document import read_goldens

MODEL = load_model()


def unguarded(node: Any, parent: Entity | None = None) -> Iterator[str]:
    """The places below the node where rows are reached without a look at whose they are."""
    match node:
        case Rows():
            # What the same statement has written passed the guard of its change.
            seen = node.written is not None
            if not seen and not is_seen(node.where, node.entity, node.relation, parent):
                yield f"{node.entity.name} by {node.relation and node.relation.name}"
            yield from inside(node, node.entity)
        case Exists(relation, target, where):
            if not is_seen(where, target, relation, parent):
                yield f"{target.name} in a filter by {relation.name}"
            yield from inside(node, target)
        case One() | Many():
            yield from unguarded(node.rows, parent)
        case Page():
            yield from unguarded(node.rows, parent)
            for view in node.views:
                yield from inside(view, node.rows.entity)
        case _:
            yield from inside(node, parent)


def inside(node: Any, parent: Entity | None) -> Iterator[str]:
    for part in fields(node):
        value = getattr(node, part.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item) and type(item).__module__ == "poutama.plan.nodes":
                yield from unguarded(item, parent)


def is_seen(
    where: Predicate, entity: Entity, relation: Relation | None, parent: Entity | None
) -> bool:
    """Whether a condition that must hold is the rule, or a visible parent makes the rows so."""
    if any(is_rule(part, entity) for part in conjuncts(where)):
        return True
    if relation is None or parent is None:
        return False
    if relation.shape is Shape.ONE:
        return parent.rule.through is not None and parent.rule.through.name == relation.name
    through = entity.rule.through
    return through is not None and (through.target, through.key) == (parent.name, relation.key)


def is_rule(part: Predicate, entity: Entity) -> bool:
    match part:
        case OwnedBy(column, ViewerId()):
            return column == entity.rule.owner
        case OwnedBy("id", Returned()):
            return True  # a procedure answers for the ids it returns
        case Exists(relation, target, where):
            followed = entity.rule.through
            return relation == followed and any(is_rule(p, target) for p in conjuncts(where))
        case _:
            return False


def conjuncts(where: Predicate) -> Iterator[Predicate]:
    if isinstance(where, All):
        for part in where.parts:
            yield from conjuncts(part)
    else:
        yield where


def plan(query: str, **variables: object) -> Plan:
    return plan_request(GraphQLRequest(query, variables=variables))


def test_the_walk_finds_what_is_not_guarded() -> None:
    goal = MODEL.entities["Goal"]
    bare = Read((Many("goals", Rows(goal, None, ())),))
    assert list(unguarded(bare)) == ["Goal by None"]
    filtered = Exists(goal.relation("owner"), MODEL.entities["Person"], ALWAYS)
    sees = Rows(goal, None, (), All((visible_rows(MODEL.entities, goal), Not(filtered))))
    assert list(unguarded(sees)) == ["Person in a filter by owner"]
    assert list(unguarded(guard_read(MODEL.entities, bare))) == []


def test_a_condition_that_need_not_hold_is_no_guard() -> None:
    goal = MODEL.entities["Goal"]
    negated = Rows(goal, None, (), Not(visible_rows(MODEL.entities, goal)))
    assert list(unguarded(negated)) == ["Goal by None"]


@pytest.mark.parametrize("golden", read_goldens(), ids=lambda golden: golden.name)
def test_every_golden_plan_is_guarded(golden: Any) -> None:
    found = plan_request(golden.request)
    reached = list(unguarded(found))
    if isinstance(found, Steps) and golden.name == "update_and_read_elsewhere":
        # The row is read again by the id that the guarded change has just found.
        assert reached == ["GoalTask by None"]
    else:
        assert reached == []


ENTITIES = sorted(MODEL.entities)


@st.composite
def selections(draw: st.DrawFn, entity: Entity, depth: int) -> str:
    """A selection that goes everywhere: relations, pages, filters through relations."""
    parts = ["id"]
    relations = [field for field in entity.fields.values() if isinstance(field, Relation)]
    for relation in relations if depth else ():
        if not draw(st.booleans()):
            continue
        target = MODEL.entities[relation.target]
        inner = draw(selections(target, depth - 1))
        if relation.shape is Shape.ONE:
            parts.append(f"{relation.name} {{ {inner} }}")
            continue
        filtered = draw(filters(target, depth))
        if relation.shape is Shape.LIST:
            parts.append(f"{relation.name}(filter: {filtered}) {{ {inner} }}")
        else:
            views = f"totalCount nodes {{ {inner} }} edges {{ node {{ {inner} }} }}"
            parts.append(f"{relation.name}(filter: {filtered}, first: 2) {{ {views} }}")
    return " ".join(parts)


@st.composite
def filters(draw: st.DrawFn, entity: Entity, depth: int) -> str:
    kind = draw(st.sampled_from(["column", "not", "or", "relation", "relation"]))
    if depth == 0 or kind == "column":
        return "{version: {gt: 1}}"
    if kind in ("not", "or"):
        inner = draw(filters(entity, depth - 1))
        return f"{{not: {inner}}}" if kind == "not" else f"{{or: [{inner}, {{}}]}}"
    relations = [
        field
        for field in entity.fields.values()
        if isinstance(field, Relation) and field.shape is not Shape.CONNECTION
    ]
    relation = draw(st.sampled_from(relations))
    inner = draw(filters(MODEL.entities[relation.target], depth - 1))
    if relation.shape is Shape.LIST:
        inner = f"{{{draw(st.sampled_from(['some', 'none', 'every']))}: {inner}}}"
    return f"{{{relation.name}: {inner}}}"


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.data())
def test_every_plan_is_guarded(data: st.DataObject) -> None:
    goal, person = MODEL.entities["Goal"], MODEL.entities["Person"]
    roots = (
        f"goals(filter: {data.draw(filters(goal, 3))}) {{ {data.draw(selections(goal, 3))} }}"
        f" goalsConnection(filter: {data.draw(filters(goal, 3))}) {{ totalCount nodes {{"
        f" {data.draw(selections(goal, 2))} }} }} me {{ {data.draw(selections(person, 3))} }}"
    )
    assert list(unguarded(plan(f"{{ {roots} }}"))) == []


@pytest.mark.parametrize("name", sorted(MODEL.roots))
def test_every_root_is_guarded(name: str) -> None:
    inner = {
        Shape.CONNECTION: "totalCount nodes { id }",
        Shape.LIST: "id",
        Shape.ONE: "id",
    }[MODEL.roots[name].shape]
    assert list(unguarded(plan(f"{{ {name} {{ {inner} }} }}"))) == []


@pytest.mark.parametrize("name", ENTITIES)
def test_every_type_has_a_rule_that_ends_at_the_viewer(name: str) -> None:
    entity = MODEL.entities[name]
    assert is_rule(visible_rows(MODEL.entities, entity), entity)


def test_every_change_is_guarded() -> None:
    found = plan(
        """mutation ($id: UUID!) {
          a: updateGoal(input: {goalId: $id}) { goal { id } }
          b: deleteGoalTask(input: {taskId: $id}) { deletedTaskId }
          c: createGoalNote(input: {goalId: $id, information: "x"}) { note { id } }
          d: createGoal(input: {goalType: SPORTS, title: "x"}) { goal { id } }
        }""",
        id="60a10000-0000-4000-8000-000000000001",
    )
    assert isinstance(found, Steps)
    changes = [step.change for step in found.steps if isinstance(step, Write)]
    assert len(changes) == 4
    for change in changes:
        match change:
            case Update() | Delete():
                assert is_rule(change.guard, change.entity)
            case Insert(owner=None):
                (parent,) = change.parents
                assert is_rule(parent.guard, parent.entity)
            case Insert():
                assert change.owner == change.entity.rule.owner


def test_an_unguarded_change_would_be_noticed() -> None:
    goal = MODEL.entities["Goal"]
    other = replace(goal, rule=replace(goal.rule, owner="other_id"))
    assert not is_rule(visible_rows(MODEL.entities, goal), other)
