"""Fields of types, and rules: how the model says what is a column or a relation, and who sees it.

Part of `schema.model`, which is where every other module imports these from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class ColumnKind(StrEnum):
    """What a column holds, as far as the later stages must tell them apart."""

    UUID = "uuid"
    TEXT = "text"
    ENUM = "enum"
    INTEGER = "int8"
    BOOLEAN = "bool"
    TIMESTAMP = "timestamptz"


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is a column of its type's table."""

    field: str
    name: str
    kind: ColumnKind
    nullable: bool
    searchable: bool = False
    """A folded copy lies in `search_name`; searching and sorting use that."""
    sequence: str | None = None
    """The column within which new rows are numbered."""
    restricted: Rule | None = None
    """Who sees the value, where that is fewer than see the row."""
    enum: str | None = None
    """The type of its values, where that is an enum."""
    is_list: bool = False
    """Whether it holds several ids, as a JSON list in text that engines search alike; or NULL."""
    defaults: tuple[ColumnDefault, ...] = ()
    """What a new row gets that is given no value: the first of which all conditions hold."""
    true_since: str | None = None
    """The boolean column of the row that this is the moment of: since when it has been true."""

    @property
    def search_name(self) -> str:
        return f"{self.name}_search"


@dataclass(frozen=True, slots=True)
class Computed:
    """A field whose value Python makes of columns; null where the first column is."""

    field: str
    function: str
    columns: tuple[str, ...]
    restricted: Rule | None = None


class RelationShape(StrEnum):
    """How a field answers with rows of another table."""

    ONE = "one"
    LIST = "list"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Memberships:
    """Current memberships by whose people rows belong to a row.

    Attributes:
        entity: their type.
        key: their column that names the row.
        students: whether only those as a student count.
    """

    entity: str
    key: str
    students: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A field that leads to rows of another type.

    `key` is the foreign key column: in this type's table for ONE, in the target's otherwise;
    None for a root field, whose rows belong to no other row.
    """

    name: str
    target: str
    shape: RelationShape
    key: str | None
    nullable: bool = False
    arguments: Mapping[str, Column] = field(default_factory=dict)
    """Own arguments that keep the rows whose column has that value."""
    viewer: bool = False
    """A root field that is the viewer's own row."""
    own: str | None = None
    """The column of a root field's rows that must hold the viewer's id, unless one is named."""
    expected: int | None = None
    """How many rows a list has in an ordinary school, where that is declared."""
    memberships: Memberships | None = None
    """Where `key` holds the id of a person: by which memberships rows belong to this type's."""


Field: TypeAlias = Column | Computed | Relation


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One key of a sort."""

    column: Column
    descending: bool = False


class Scope(StrEnum):
    """What a relationship is to: a person, a group or an organisation."""

    PERSON = "person"
    GROUP = "group"
    ORGANISATION = "organisation"


class Relationship(StrEnum):
    """A viewer's relationship to a person, group or organisation; see `mapping.graphql`."""

    SELF = "SELF"
    MENTOR = "MENTOR"
    MANAGER = "MANAGER"
    ADMIN = "ADMIN"
    CAREGIVER = "CAREGIVER"
    MENTEE = "MENTEE"
    STAFF = "STAFF"
    OPENER = "OPENER"
    MEMBER = "MEMBER"


RELATIONSHIPS = {
    Scope.PERSON: frozenset(Relationship) - {Relationship.MEMBER},
    Scope.GROUP: frozenset({Relationship.MEMBER, Relationship.MENTOR}),
    Scope.ORGANISATION: frozenset({Relationship.MEMBER, Relationship.MANAGER, Relationship.ADMIN}),
}
"""The relationships that exist in each scope."""


@dataclass(frozen=True, slots=True)
class RowIs:
    """A condition on a row: the column holds one of these values."""

    column: Column
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnDefault:
    """What a new row gets where nothing else is given, if it is such a row."""

    value: str
    row_is: tuple[RowIs, ...] = ()


@dataclass(frozen=True, slots=True)
class Within:
    """The column of a row that names the organisation, or the organisations, whose memberships
    count. A row where it is NULL is confined to none.
    """

    column: str
    is_list: bool = False
    every: bool = False
    """Whether a membership in each of the listed is needed; a row where none is has no viewer."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Viewers who have one of these relationships to what the column names.

    `row_is`: only of rows of which all of this holds. `within`: only by memberships there.
    `besides`: relationships of which they have one as well.
    """

    scope: Scope
    column: str
    relationships: tuple[Relationship, ...]
    row_is: tuple[RowIs, ...] = ()
    within: Within | None = None
    besides: tuple[Relationship, ...] = ()


@dataclass(frozen=True, slots=True)
class Through:
    """Those who may see the row behind a relation; `to` narrows them down.

    `row_is` and `within` are about the row itself, not the one behind the relation.
    """

    relation: Relation
    to: tuple[Relationship, ...] | None = None
    row_is: tuple[RowIs, ...] = ()
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may see or change a row: any alternative is enough; without one, no viewer may."""

    alternatives: tuple[Audience | Through, ...]

    @property
    def through(self) -> Relation | None:
        """The relation that alone decides, whatever the row is, if one does."""
        match self.alternatives:
            case (Through(relation, None, (), None),):
                return relation
            case _:
                return None

    def follows(self, target: str, key: str | None) -> bool:
        """Whether a viewer who sees a row sees it by this relation, and so the other row."""
        return bool(self.alternatives) and all(
            isinstance(each, Through) and (each.relation.target, each.relation.key) == (target, key)
            for each in self.alternatives
        )
