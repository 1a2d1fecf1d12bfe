"""The model: which types are tables, how their fields lie in columns, and what each mutation does.

Built once by `schema.load` from the SDL files; read by every later stage. Nothing here knows
GraphQL documents or SQL text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from graphql import GraphQLSchema

from poutama.schema.audited import Audit
from poutama.schema.fields import RELATIONSHIPS as RELATIONSHIPS
from poutama.schema.fields import Audience as Audience
from poutama.schema.fields import Column as Column
from poutama.schema.fields import ColumnDefault as ColumnDefault
from poutama.schema.fields import ColumnKind as ColumnKind
from poutama.schema.fields import Computed as Computed
from poutama.schema.fields import Field as Field
from poutama.schema.fields import Memberships as Memberships
from poutama.schema.fields import OrderTerm as OrderTerm
from poutama.schema.fields import Relation as Relation
from poutama.schema.fields import RelationShape as RelationShape
from poutama.schema.fields import Relationship as Relationship
from poutama.schema.fields import RowIs as RowIs
from poutama.schema.fields import Rule as Rule
from poutama.schema.fields import Scope as Scope
from poutama.schema.fields import Through as Through
from poutama.schema.fields import Within as Within
from poutama.schema.input_rules import NO_RANGE, NumberRule, TextRule
from poutama.schema.quota import Quota


class Action(StrEnum):
    """What a mutation does."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    PROCEDURE = "procedure"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Rows with a value in the column are in a list only where its argument says so."""

    column: Column
    argument: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A type whose rows are rows of a table; its key is the column `id`."""

    name: str
    table: str
    """The table or view that its rows are read from."""
    fields: Mapping[str, Field]
    order: tuple[OrderTerm, ...]
    rule: Rule
    """Who may see its rows."""
    changes: Mapping[Action, Rule] = field(default_factory=dict)
    """Who may change them; no viewer may take an action that is missing here."""
    owner: str | None = None
    """The column in which a new row gets the viewer's id."""
    right: str | None = None
    """The column in which a new row gets the organisation in whose right the viewer adds it."""
    audit: Audit | None = None
    """Whose data its rows are."""
    base: str | None = None
    """The table that changes go to, where `table` is a view."""
    over: tuple[str, ...] = ()
    """The tables that its rows are computed of, where `table` is a view."""
    quotas: tuple[Quota, ...] = ()
    unlisted: Unlisted | None = None
    """Which of its rows lists leave out."""

    @property
    def tables(self) -> tuple[str, ...]:
        """All that is read for a row: its table, and those behind it."""
        return (self.table, *self.over)

    @property
    def subject(self) -> str | None:
        """The column that names the person whose data a row is; None where none of its own does."""
        return None if self.audit is None else self.audit.person

    @property
    def columns(self) -> list[Column]:
        return [field for field in self.fields.values() if isinstance(field, Column)]

    @property
    def values(self) -> list[Column | Computed]:
        return [field for field in self.fields.values() if not isinstance(field, Relation)]

    def column(self, field: str) -> Column:
        """The column behind a field; `KeyError` where the field is none."""
        found = self.fields[field]
        if not isinstance(found, Column):
            raise KeyError(field)
        return found

    def relation(self, field: str) -> Relation:
        """The relation behind a field; `KeyError` where the field is none."""
        found = self.fields[field]
        if not isinstance(found, Relation):
            raise KeyError(field)
        return found

    @property
    def id(self) -> Column:
        return self.column("id")


@dataclass(frozen=True, slots=True)
class InputColumn:
    """An input field that is written to a column."""

    column: Column
    text: TextRule
    number: NumberRule = NO_RANGE
    certain: bool = False
    """Whether every input has a value for it."""


@dataclass(frozen=True, slots=True)
class InputKey:
    """The input field that names the row to change, or is the id of the new one."""


@dataclass(frozen=True, slots=True)
class InputVersion:
    """The input field that says which version the client has seen."""


@dataclass(frozen=True, slots=True)
class InputParent:
    """An input field that names the row which the new row belongs to."""

    relation: Relation
    required: bool = True


@dataclass(frozen=True, slots=True)
class InputChildren:
    """An input field with rows of another type, inserted along with their parent."""

    relation: Relation
    fields: Mapping[str, InputColumn]
    key: str | None = None
    """The field that is the id of a row, where clients may make it."""


@dataclass(frozen=True, slots=True)
class TextInput:
    """A text, or a list of texts, that a procedure reads."""

    text: TextRule


@dataclass(frozen=True, slots=True)
class NumberInput:
    """A whole number, or a list of them, that a procedure reads."""

    number: NumberRule


@dataclass(frozen=True, slots=True)
class PlainInput:
    """Any other value that a procedure reads."""


@dataclass(frozen=True, slots=True)
class ObjectInput:
    """An input object, or a list of them, that a procedure reads."""

    fields: Mapping[str, InputField]


InputField: TypeAlias = (
    InputColumn
    | InputKey
    | InputVersion
    | InputParent
    | InputChildren
    | TextInput
    | NumberInput
    | PlainInput
    | ObjectInput
)


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """A payload field that is a row: the row written, or the one whose id a procedure returns."""

    target: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class PayloadId:
    """A payload field that is the id of the row written."""


@dataclass(frozen=True, slots=True)
class PayloadValue:
    """A payload field that is a value which a procedure returns; `shown_once`: and no key keeps."""

    nullable: bool = False
    shown_once: bool = False


@dataclass(frozen=True, slots=True)
class PayloadParent:
    """A payload field that is the row to which a deleted row belonged."""

    relation: Relation


PayloadField: TypeAlias = PayloadRow | PayloadId | PayloadValue | PayloadParent


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a mutation of several inputs has besides: `payload` is that of each of its results.

    Attributes:
        single: the mutation that does the same for one.
        result_type: the type of a result.
        limit: how many inputs it takes at most.
    """

    single: str
    result_type: str
    limit: int


@dataclass(frozen=True, slots=True)
class InputIs:
    """A condition on the mutation's input: the field is one of these."""

    input: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """One `@permit`: who may call a procedure on a row, and under which conditions."""

    rule: Rule
    row_is: tuple[RowIs, ...] = ()
    input_is: tuple[InputIs, ...] = ()
    not_by: tuple[str, ...] = ()
    """Columns: the caller is none of the people whom they name."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may call a procedure on the row of type `entity` that the input field names.

    Any grant is enough. A mutation with several permissions needs all of them; one whose input is
    left out is not asked.
    """

    input: str
    entity: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class ClientId:
    """The field of a procedure's input that is the new row's id, where the client makes it.

    Attributes:
        input: its name.
        entity: the row's type.
        by: the column that names who made it; None where none does.
    """

    input: str
    entity: str
    by: str | None


@dataclass(frozen=True, slots=True)
class Mutation:
    """A root field of Mutation.

    `entity` is None, and `procedure` a name, exactly where the action is PROCEDURE.
    """

    field: str
    action: Action
    entity: str | None
    procedure: str | None
    inputs: Mapping[str, InputField]
    payload_type: str
    payload: Mapping[str, PayloadField]
    permissions: tuple[Permission, ...] = ()
    """Of a procedure: what must hold before it is called, for the inputs that are given."""
    everyone: bool = False
    """Of a procedure: being signed in is enough where no permission is asked for."""
    bulk: Bulk | None = None
    """Set where it takes several inputs."""
    client_id: ClientId | None = None
    """Of a procedure that makes a row whose id the client may make."""
    new_sign_in: bool = False
    """Of a procedure: accounts that are not people yet may call it as well."""


@dataclass(frozen=True, slots=True)
class Model:
    """All that the schema files say."""

    schema: GraphQLSchema
    """The public schema, generated types included, mapping directives left out."""
    entities: Mapping[str, Entity]
    roots: Mapping[str, Relation]
    mutations: Mapping[str, Mutation]
    orders: Mapping[str, Mapping[str, OrderTerm]]
    """Order enum's name -> value's name -> sort key."""
    enums: Mapping[str, tuple[str, ...]]
