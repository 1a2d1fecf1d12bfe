"""A mutation operation -> its steps: changes and procedure calls, each with its payload.

A payload is read together with its change, in one statement, unless it reads a table that the
change writes by any other way than the written row itself; then it is read right after.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from graphql import FieldNode, GraphQLObjectType

from poutama.errors import QuotaExceededError
from poutama.plan.audit_marks import find_subject
from poutama.plan.build import ReadBuilder
from poutama.plan.bulk_writes import build_results, find_shapes
from poutama.plan.defaults import add_defaults
from poutama.plan.dependents import find_dependents
from poutama.plan.filters import as_value
from poutama.plan.limits import exceeded
from poutama.plan.mutation_steps import (
    BulkWrite,
    Call,
    MutationStep,
    MutationSteps,
    RefusedInput,
    Repeat,
    Write,
)
from poutama.plan.nodes import (
    AnyOf,
    Assignment,
    Children,
    Delete,
    Exists,
    Insert,
    Member,
    NewRow,
    One,
    OwnedBy,
    Parent,
    Predicate,
    Read,
    ReturnedValue,
    RowId,
    SingleChange,
    Subject,
    Text,
    Update,
)
from poutama.plan.operation import Operation
from poutama.plan.passes import rewrite_read
from poutama.plan.payloads import (
    find_own,
    find_returned,
    id_of,
    keep_parents,
    read_after,
    show_inserted,
)
from poutama.plan.procedure_calls import build_made_row, build_permits, check_input
from poutama.plan.quota_checks import check_children, check_quotas
from poutama.plan.selection import Selections
from poutama.plan.stale_reads import reads_written
from poutama.plan.values import (
    Constant,
    InputIds,
    InputInteger,
    InputText,
    NewId,
    Returned,
    Unusable,
    Value,
)
from poutama.plan.variables_shape import Tree
from poutama.plan.write_guard import changeable_rows, extendable_rows
from poutama.schema.input_rules import NO_RANGE
from poutama.schema.model import (
    Action,
    ColumnKind,
    Entity,
    InputChildren,
    InputColumn,
    InputField,
    InputKey,
    InputParent,
    InputVersion,
    Model,
    Mutation,
    PayloadId,
    PayloadParent,
    PayloadRow,
    PayloadValue,
)
from poutama.settings import Settings

TYPENAME = '"Mutation"'


class WriteBuilder:
    """Builds the plan of one mutation operation."""

    def __init__(
        self,
        model: Model,
        operation: Operation,
        selections: Selections,
        reads: ReadBuilder,
        settings: Settings,
    ) -> None:
        self._model = model
        self._operation = operation
        self._selections = selections
        self._reads = reads
        self._settings = settings
        self._ids = 0

    def build_mutation(self) -> MutationSteps:
        """The steps, in the order of the root fields.

        Raises:
            BadUserInputError: an argument cannot be used.
        """
        return MutationSteps(
            tuple(
                Text(key, TYPENAME) if mutation is None else self._step(key, nodes, mutation)
                for key, nodes, mutation in self._root_fields()
            )
        )

    def build_repeat(self) -> tuple[Text | Repeat, ...]:
        """How the payloads of a mutation that has happened are read again, as of now.

        Nothing of it is taken as visible because it was written: every row obeys its rule.

        Raises:
            BadUserInputError: an argument cannot be used.
        """
        return tuple(
            Text(key, TYPENAME) if mutation is None else self._repeat(key, nodes, mutation)
            for key, nodes, mutation in self._root_fields()
        )

    def _repeat(self, key: str, nodes: list[FieldNode], mutation: Mutation) -> Repeat:
        if mutation.bulk is None:
            return Repeat(key, mutation.field, self._payload(key, nodes, mutation, None))
        results, rows = build_results(self._model, self._selections, self._reads, nodes, mutation)
        return Repeat(key, mutation.field, rows, results)

    def _root_fields(self) -> Iterator[tuple[str, list[FieldNode], Mutation | None]]:
        collected = self._selections.collect([self._operation.node.selection_set], "Mutation")
        for key, nodes in collected.items():
            name = nodes[0].name.value
            yield key, nodes, None if name == "__typename" else self._model.mutations[name]

    def _step(self, key: str, nodes: list[FieldNode], mutation: Mutation) -> MutationStep:
        if mutation.bulk is not None:
            return self._bulk(key, nodes, mutation)
        input = cast("dict[str, Tree]", self._argument(nodes[0], "input"))
        if mutation.action is Action.PROCEDURE:
            assert mutation.procedure is not None
            return Call(
                key=key,
                field=mutation.field,
                procedure=mutation.procedure,
                permits=build_permits(self._model, mutation, input),
                input=check_input(mutation.inputs, input, "input"),
                payload=self._payload(key, nodes, mutation, None),
                made=build_made_row(self._model, mutation, input),
                shown_once=tuple(
                    name
                    for name, value in mutation.payload.items()
                    if isinstance(value, PayloadValue) and value.shown_once
                ),
            )
        assert mutation.entity is not None
        entity = self._model.entities[mutation.entity]
        change = self._change(mutation, entity, input)
        kept = keep_parents(entity, mutation, self._selected(nodes, mutation))
        if kept:
            payload = self._payload(key, nodes, mutation, None)
            return Write(key, mutation.field, change, payload, False, find_returned(mutation), kept)
        payload = self._payload(key, nodes, mutation, change)
        together = not reads_written(payload, change)
        if not together:
            payload = tuple(read_after(member, id_of(change)) for member in payload)
        return Write(key, mutation.field, change, payload, together, find_returned(mutation))

    def _bulk(self, key: str, nodes: list[FieldNode], mutation: Mutation) -> BulkWrite:
        assert mutation.bulk is not None
        assert mutation.entity is not None
        entity = self._model.entities[mutation.entity]
        inputs = cast("list[Tree]", self._argument(nodes[0], "inputs"))
        limit = mutation.bulk.limit
        if len(inputs) > limit:
            raise exceeded(
                "batch", len(inputs), limit, f"{mutation.field} has {len(inputs)} inputs"
            )
        kept = keep_parents(entity, mutation, mutation.payload, numbered=True)
        templates, items = find_shapes(inputs)
        shapes: list[Write | RefusedInput] = []
        for template in templates:
            try:
                change = self._change(mutation, entity, template)
            except QuotaExceededError as error:
                shapes.append(RefusedInput(error.code, error.message))
                continue
            single = mutation.bulk.single
            shapes.append(Write(key, single, change, (), False, find_returned(mutation), kept))
        results, rows = build_results(self._model, self._selections, self._reads, nodes, mutation)
        return BulkWrite(key, mutation.field, tuple(shapes), items, results, rows)

    def _selected(self, nodes: list[FieldNode], mutation: Mutation) -> set[str]:
        sets = [node.selection_set for node in nodes]
        found = self._selections.collect(sets, mutation.payload_type).values()
        return {inner[0].name.value for inner in found}

    def _argument(self, node: FieldNode, name: str) -> Tree:
        type_ = self._model.schema.mutation_type
        assert isinstance(type_, GraphQLObjectType)
        args = type_.fields[node.name.value].args
        arguments = self._selections.arguments(node, args, (node.alias or node.name).value)
        return arguments[name]

    def _change(self, mutation: Mutation, entity: Entity, input: dict[str, Tree]) -> SingleChange:
        if mutation.action is Action.INSERT:
            return self._insert(mutation, entity, input)
        key: Value | None = None
        version: Value | None = None
        for name, value in input.items():
            match mutation.inputs[name]:
                case InputKey():
                    key = cast("Value", value)
                case InputVersion():
                    version = cast("Value | None", value)
                case _:
                    pass
        assert key is not None, "the schema makes the key non-null"
        if mutation.action is Action.DELETE:
            guard = changeable_rows(self._model.entities, entity, mutation.action)
            dependents = find_dependents(self._model.entities, entity)
            subject = self._subject(entity, guard)
            return Delete(entity, key, guard, version, subject, dependents)
        assignments = _assign(mutation.inputs, input, "input")
        guard = changeable_rows(self._model.entities, entity, mutation.action, assignments)
        return Update(entity, key, guard, assignments, version, self._subject(entity, guard))

    def _insert(self, mutation: Mutation, entity: Entity, input: dict[str, Tree]) -> Insert:
        parents: list[Parent] = []
        children: list[Children] = []
        assigned = _assign(mutation.inputs, input, "input", new=True)
        key = next((n for n, each in mutation.inputs.items() if isinstance(each, InputKey)), None)
        row = self._new_row(input, key, add_defaults(entity, assigned))
        for name, value in input.items():
            match mutation.inputs[name]:
                case InputParent(relation):
                    parent = self._model.entities[relation.target]
                    guard = extendable_rows(self._model.entities, entity, relation, row.assignments)
                    parents.append(Parent(relation, parent, cast("Value", value), guard))
                case InputChildren(relation, fields, key) if value:
                    child = self._model.entities[relation.target]
                    items = cast("list[dict[str, Tree]]", value)
                    rows = tuple(
                        self._new_row(item, key, _assign(fields, item, f"input.{name}[{n}]"))
                        for n, item in enumerate(items)
                    )
                    children.append(Children(relation, child, rows))
                case _:
                    pass
        for each in children:
            check_children(each, self._settings)
        behind = (Exists(each.relation, each.entity, each.guard) for each in parents)
        right = AnyOf(tuple(behind))
        belongs, subject = tuple(parents), self._subject(entity, right, entity.right)
        quotas = check_quotas(entity, row, belongs, self._settings)
        return Insert(entity, row, belongs, tuple(children), subject, quotas)

    def _subject(
        self, entity: Entity, right: Predicate, organisation: str | None = None
    ) -> Subject | None:
        return find_subject(self._model.entities, entity, right, organisation)

    def _new_row(
        self, input: dict[str, Tree], key: str | None, assignments: tuple[Assignment, ...]
    ) -> NewRow:
        """A row with the id that the client made, or one of ours."""
        if key is not None and input.get(key) is not None:
            return NewRow(as_value(input[key]), assignments, client_made=True)
        self._ids += 1
        return NewRow(NewId(self._ids), assignments)

    def _payload(
        self, step: str, nodes: list[FieldNode], mutation: Mutation, change: SingleChange | None
    ) -> tuple[Member, ...]:
        members: list[Member] = []
        sets = [node.selection_set for node in nodes]
        for key, inner in self._selections.collect(sets, mutation.payload_type).items():
            name = inner[0].name.value
            if name == "__typename":
                members.append(Text(key, json.dumps(mutation.payload_type)))
                continue
            match mutation.payload[name]:
                case PayloadRow(target, nullable):
                    member = replace(
                        self._reads.build_row(f"{step}.{key}", inner, target), nullable=nullable
                    )
                    members.append(self._payload_row(member, name, change))
                case PayloadParent(relation):
                    member = self._reads.build_row(f"{step}.{key}", inner, relation.target)
                    rows = replace(member.rows, where=OwnedBy("id", Returned(name)))
                    members.append(replace(member, rows=rows, nullable=True))
                case PayloadId() if change is not None:
                    members.append(RowId(key, change.entity))
                case PayloadId() | PayloadValue():
                    members.append(ReturnedValue(key, name))
        return rewrite_read(self._model.entities, Read(tuple(members))).roots

    @staticmethod
    def _payload_row(member: One, name: str, change: SingleChange | None) -> One:
        rows = member.rows
        if change is None:
            return replace(member, rows=replace(rows, where=OwnedBy("id", Returned(name))))
        fields = rows.fields
        if isinstance(change, Insert):
            fields = tuple(show_inserted(field, change) for field in fields)
        return replace(member, rows=replace(rows, fields=fields, written=0, own=find_own(change)))


def _assign(
    inputs: Mapping[str, InputField], input: dict[str, Tree], where: str, *, new: bool = False
) -> tuple[Assignment, ...]:
    """What the input writes; `new`: to a new row, for which null is what the column defaults to."""
    assignments = []
    for name, value in input.items():
        field = inputs.get(name)
        if not isinstance(field, InputColumn):
            continue
        column = field.column
        place = f"{where}.{name}"
        if value is None and new and column.defaults:
            continue
        found = Constant(None) if value is None else as_value(value)
        if value is None and not column.nullable:
            found = Unusable(place, "a value, got null; leave it out to keep what is there")
        elif column.is_list and value is not None:
            found = InputIds(found, place)
        elif column.kind is ColumnKind.TEXT:
            found = InputText(found, field.text, place)
        elif column.kind is ColumnKind.INTEGER and field.number != NO_RANGE:
            found = InputInteger(found, field.number, place)
        assignments.append(Assignment(column, found))
    return tuple(assignments)
