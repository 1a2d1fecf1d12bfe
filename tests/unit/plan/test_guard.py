"""Every place by which rows can be reached is confined to what the viewer may see.

`unguarded` walks guarded plans; the first tests show that it finds what is not.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poutama.plan.guard import allowed_by, intersect, visible_rows
from poutama.plan.mutation_steps import MutationSteps, Plan, Write
from poutama.plan.nodes import (
    ALWAYS,
    NEVER,
    UNKNOWN,
    All,
    AnyOf,
    Confined,
    Exists,
    HasRelationship,
    Insert,
    IsNull,
    Leaf,
    Link,
    Many,
    Not,
    OneOf,
    Own,
    OwnedBy,
    Read,
    Rows,
    Update,
)
from poutama.plan.operation import GraphQLRequest
from poutama.plan.passes import rewrite_read
from poutama.plan.values import ViewerId
from poutama.schema.model import (
    Action,
    Audience,
    Entity,
    OrderTerm,
    Relation,
    RelationShape,
    Relationship,
    Scope,
    Through,
    Within,
)
from tests.golden.compiled import plan_request
from tests.golden.document import read_goldens
from tests.unit.plan.unguarded import MODEL, grants, unguarded, unguarded_change

OWN = Own(data=True)


def plan(query: str, **variables: object) -> Plan:
    return plan_request(GraphQLRequest(query, variables=variables))


def test_the_walk_finds_what_is_not_guarded() -> None:
    goal = MODEL.entities["Goal"]
    bare = Read((Many("goals", Rows(goal, None, ())),))
    assert list(unguarded(bare)) == ["Goal by None"]
    filtered = Exists(goal.relation("owner"), MODEL.entities["Person"], ALWAYS)
    sees = Rows(goal, None, (), All((visible_rows(MODEL.entities, goal), Not(filtered))))
    assert list(unguarded(sees)) == ["Person in a filter by owner"]
    assert list(unguarded(rewrite_read(MODEL.entities, bare))) == []


def test_a_condition_that_need_not_hold_is_no_guard() -> None:
    goal = MODEL.entities["Goal"]
    rule = visible_rows(MODEL.entities, goal)
    for where in (Not(rule), AnyOf((rule, ALWAYS)), NEVER, ALWAYS):
        bare = Rows(goal, None, (), where)
        assert list(unguarded(bare)) == ["Goal by None"], where


def test_a_relationship_that_the_rule_does_not_name_is_no_guard() -> None:
    group = MODEL.entities["Group"]
    for where in (
        HasRelationship(Scope.GROUP, "organisation_id", (Relationship.MEMBER,)),
        HasRelationship(
            Scope.ORGANISATION, "organisation_id", (Relationship.MANAGER, Relationship.MEMBER)
        ),
        OwnedBy("id", ViewerId()),
    ):
        assert list(unguarded(Rows(group, None, (), where))) == ["Group by None"], where


def test_what_is_not_known_to_be_own_is_not_taken_for_it() -> None:
    entities = MODEL.entities
    person, goal, task = entities["Person"], entities["Goal"], entities["GoalTask"]
    steps = Many("tasks", Rows(task, goal.relation("tasks"), (), own=OWN))
    goals = Rows(goal, person.relation("goals"), (steps,), own=OWN)
    me = Rows(person, None, (Many("goals", goals),), OwnedBy("id", ViewerId()), own=OWN)
    assert list(unguarded(me)) == []
    others = replace(me, where=visible_rows(entities, person), own=UNKNOWN)
    assert list(unguarded(others)) == [
        "Goal by goals",
        "Goal taken for the viewer's own",
        "Goal of another person, read unnoticed",
        "GoalTask taken for the viewer's own",
    ]


def test_people_of_memberships_that_are_not_seen_are_noticed() -> None:
    entities = MODEL.entities
    group, person = entities["Group"], entities["Person"]
    people = group.relation("people")
    assert people.memberships is not None
    link = Link(entities["Membership"], people.memberships.key, students=False)
    bare = Rows(person, people, (), link=link)
    groups = Rows(group, None, (Many("people", bare),), visible_rows(entities, group))
    assert list(unguarded(groups)) == [
        "Person by memberships that are not seen",
        "Person by people",
    ]
    (root,) = rewrite_read(entities, Read((Many("groups", groups),))).roots
    assert list(unguarded(root)) == []


def test_a_restricted_field_is_noticed_wherever_it_shows() -> None:
    group = MODEL.entities["Group"]
    code = group.column("joinCode")
    where = All((visible_rows(MODEL.entities, group), IsNull(code)))
    rows = Rows(group, None, (Leaf("joinCode", code),), where, (OrderTerm(code),))
    tells = "joinCode by what it is held against"
    assert list(unguarded(rows)) == ["joinCode without a rule", tells, tells]
    bare = Rows(group, None, (Leaf("joinCode", code),))
    assert list(unguarded(rewrite_read(MODEL.entities, Read((Many("groups", bare),))))) == []


@pytest.mark.parametrize("golden", read_goldens(), ids=lambda golden: golden.name)
def test_every_golden_plan_is_guarded(golden: Any) -> None:
    assert list(unguarded(plan_request(golden.request))) == []


ENTITIES = sorted(MODEL.entities)
A_PERSON = "60a10000-0000-4000-8000-000000000001"


NAME = attrgetter("name")
NONE: st.SearchStrategy[list[Relation]] = st.just([])


@st.composite
def selections(draw: st.DrawFn, entity: Entity, depth: int) -> str:
    """A selection that goes everywhere: relations, pages, filters through relations."""
    parts = [column.field for column in entity.columns if column.field == "id" or column.restricted]
    relations = [field for field in entity.fields.values() if isinstance(field, Relation)]
    chosen = st.lists(st.sampled_from(relations), max_size=2, unique_by=NAME) if relations else NONE
    for relation in draw(chosen) if depth else ():
        target = MODEL.entities[relation.target]
        inner = draw(selections(target, depth - 1))
        if relation.shape is RelationShape.ONE:
            parts.append(f"{relation.name} {{ {inner} }}")
            continue
        filtered = draw(filters(target, depth))
        if relation.shape is RelationShape.LIST:
            parts.append(f"{relation.name}(filter: {filtered}) {{ {inner} }}")
        else:
            views = f"totalCount nodes {{ {inner} }} edges {{ node {{ {inner} }} }}"
            parts.append(f"{relation.name}(filter: {filtered}, first: 2) {{ {views} }}")
    return " ".join(parts)


@st.composite
def filters(draw: st.DrawFn, entity: Entity, depth: int) -> str:
    kind = draw(st.sampled_from(["column", "not", "or", "relation", "relation"]))
    relations = [
        field
        for field in entity.fields.values()
        if isinstance(field, Relation)
        and field.shape is not RelationShape.CONNECTION
        and field.memberships is None
    ]
    if depth == 0 or kind == "column" or not relations:
        return f'{{id: {{eq: "{A_PERSON}"}}}}'
    if kind in ("not", "or"):
        inner = draw(filters(entity, depth - 1))
        return f"{{not: {inner}}}" if kind == "not" else f"{{or: [{inner}, {{}}]}}"
    relation = draw(st.sampled_from(relations))
    inner = draw(filters(MODEL.entities[relation.target], depth - 1))
    if relation.shape is RelationShape.LIST:
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
    goal, person, group = (MODEL.entities[name] for name in ("Goal", "Person", "Group"))
    roots = (
        f"goals(filter: {data.draw(filters(goal, 3))}) {{ {data.draw(selections(goal, 3))} }}"
        f" groupsConnection(filter: {data.draw(filters(group, 3))}) {{ totalCount nodes {{"
        f" {data.draw(selections(group, 3))} }} }} me {{ {data.draw(selections(person, 3))} }}"
        f' person(personId: "{A_PERSON}") {{ {data.draw(selections(person, 2))} }}'
    )
    assert list(unguarded(plan(f"{{ {roots} }}"))) == []


@pytest.mark.parametrize("name", sorted(MODEL.roots))
def test_every_root_is_guarded(name: str) -> None:
    root = MODEL.roots[name]
    named = ", ".join(f'{argument}: "{A_PERSON}"' for argument in root.arguments)
    inner = "totalCount nodes { id }" if root.shape is RelationShape.CONNECTION else "id"
    ways = {f"({named})" if named else ""} | (set() if root.shape is RelationShape.ONE else {""})
    for asked in sorted(ways):
        assert list(unguarded(plan(f"{{ {name}{asked} {{ {inner} }} }}"))) == []


@pytest.mark.parametrize("name", ENTITIES)
def test_every_type_has_a_rule_that_ends_at_the_viewer(name: str) -> None:
    entity = MODEL.entities[name]
    assert grants(visible_rows(MODEL.entities, entity), entity.rule)


def test_a_rule_lets_pass_all_whom_it_names() -> None:
    goal = MODEL.entities["Goal"]
    staff = HasRelationship(
        Scope.PERSON,
        "person_id",
        (Relationship.MENTOR, Relationship.OPENER),
        (Confined(Within("organisation_ids", is_list=True)),),
    )
    caregivers = HasRelationship(Scope.PERSON, "person_id", (Relationship.CAREGIVER,))
    audience = goal.column("audience")
    assert visible_rows(MODEL.entities, goal) == AnyOf(
        (
            OwnedBy("person_id", ViewerId()),
            All((OneOf(audience, ("MENTORS", "CAREGIVERS")), staff)),
            All((OneOf(audience, ("CAREGIVERS",)), caregivers)),
        )
    )


CHANGEABLE = [
    (name, action)
    for name in ENTITIES
    for action in (Action.UPDATE, Action.DELETE)
    if action in MODEL.entities[name].changes
]


@pytest.mark.parametrize(("name", "action"), CHANGEABLE)
def test_who_may_change_a_row_may_see_it(name: str, action: Action) -> None:
    entity = MODEL.entities[name]
    rule = entity.changes[action]
    guard = intersect(allowed_by(MODEL.entities, rule), visible_rows(MODEL.entities, entity))
    assert grants(guard, rule)
    assert grants(guard, entity.rule)


def test_both_drops_no_rule_that_the_other_does_not_hold() -> None:
    mentor, admin = (
        HasRelationship(Scope.GROUP, "id", (relationship,))
        for relationship in (Relationship.MENTOR, Relationship.ADMIN)
    )
    either = AnyOf((mentor, admin))
    assert intersect(mentor, either) == mentor
    assert intersect(either, mentor) == All((mentor, either))
    assert intersect(NEVER, mentor) == All((mentor, NEVER))


def test_every_change_is_guarded() -> None:
    found = plan(
        """mutation ($id: UUID!) {
          a: updateGoal(input: {goalId: $id}) { goal { id } }
          b: deleteGoalTask(input: {taskId: $id}) { deletedTaskId }
          c: createGoalNote(input: {goalId: $id, information: "x"}) { note { id } }
          d: createGoal(input: {goalType: SPORTS, title: "x"}) { goal { id } }
          e: updateGoalNote(input: {noteId: $id}) { note { id } }
          f: updatePerson(input: {personId: $id}) { person { id memberships { child { id } } } }
        }""",
        id=A_PERSON,
    )
    assert isinstance(found, MutationSteps)
    changes = [step.change for step in found.steps if isinstance(step, Write)]
    assert len(changes) == 6
    for change in changes:
        assert not list(unguarded_change(change)), change
    assert list(unguarded(found)) == []


def test_an_unguarded_change_would_be_noticed() -> None:
    goal, task = MODEL.entities["Goal"], MODEL.entities["GoalTask"]
    seen = visible_rows(MODEL.entities, goal)
    found = plan(
        "mutation ($id: UUID!) { a: updateGoal(input: {goalId: $id}) { goal { id } }"
        ' b: createGoalTask(input: {goalId: $id, information: "x"}) { task { id } } }',
        id=A_PERSON,
    )
    assert isinstance(found, MutationSteps)
    update, insert = (step.change for step in found.steps if isinstance(step, Write))
    assert isinstance(update, Update)
    assert isinstance(insert, Insert)
    assert list(unguarded_change(replace(update, guard=seen))) == ["who may change"]
    assert list(unguarded_change(replace(update, guard=ALWAYS))) == [
        "who may change",
        "who may see",
    ]
    (parent,) = insert.parents
    loose = replace(insert, parents=(replace(parent, guard=seen),))
    assert list(unguarded_change(loose)) == ["who may insert"]
    assert insert.entity == task


INSERTS = {
    name: mutation.entity
    for name, mutation in MODEL.mutations.items()
    if mutation.action is Action.INSERT and mutation.entity is not None
}


def test_there_are_inserts_to_look_at() -> None:
    assert {"createGoal", "createGoalTask", "createGoalNote"} <= set(INSERTS)


@pytest.mark.parametrize("name", INSERTS)
def test_every_insert_asks_its_rule(name: str) -> None:
    """What an insert can be asked for holds its rule: by its owner, or by each parent it names."""
    entity = MODEL.entities[INSERTS[name]]
    alternatives = entity.changes[Action.INSERT].alternatives
    assert alternatives
    for each in alternatives:
        match each:
            case Audience(Scope.PERSON, column, relationships):
                assert (column, relationships) == (entity.owner, (Relationship.SELF,))
            case Through(relation):
                inputs = MODEL.mutations[name].inputs.values()
                assert relation in [getattr(input, "relation", None) for input in inputs]
            case _:
                pytest.fail(f"what does an insert of {name} ask for {each}?")
