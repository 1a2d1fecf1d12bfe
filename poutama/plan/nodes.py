"""The plan: what an operation asks for, as frozen data without any SQL.

`plan.build` makes it, `plan.passes` rewrites it, `sql` renders it. A new kind of node breaks the
type checker until every stage handles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from poutama.plan.predicates import ALWAYS as ALWAYS
from poutama.plan.predicates import NEVER as NEVER
from poutama.plan.predicates import All as All
from poutama.plan.predicates import AnyOf as AnyOf
from poutama.plan.predicates import Compare as Compare
from poutama.plan.predicates import Comparison as Comparison
from poutama.plan.predicates import Confined as Confined
from poutama.plan.predicates import Exists as Exists
from poutama.plan.predicates import HasRelationship as HasRelationship
from poutama.plan.predicates import HasWords as HasWords
from poutama.plan.predicates import IsNull as IsNull
from poutama.plan.predicates import Not as Not
from poutama.plan.predicates import OneAmong as OneAmong
from poutama.plan.predicates import OneOf as OneOf
from poutama.plan.predicates import OwnedBy as OwnedBy
from poutama.plan.predicates import Predicate as Predicate
from poutama.plan.values import Value
from poutama.plan.ways import Link as Link
from poutama.plan.ways import Scan as Scan
from poutama.schema.model import Column, Computed, Entity, OrderTerm, Relation
from poutama.schema.quota import Quota


@dataclass(frozen=True, slots=True)
class Text:
    """JSON known when the plan is built: `__typename`, introspection."""

    key: str
    json: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column's value, or a computed one; null where `shown` does not hold."""

    key: str
    column: Column | Computed
    shown: Predicate = ALWAYS
    parts: str | None = None
    """What is selected of an object that Python makes, as JSON: see `sql.computed`."""


@dataclass(frozen=True, slots=True)
class One:
    """At most one related row."""

    key: str
    rows: Rows
    nullable: bool


@dataclass(frozen=True, slots=True)
class Many:
    """A list of rows."""

    key: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Page:
    """A connection: one page of rows, seen in several ways. `rows.fields` is empty here."""

    key: str
    rows: Rows
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class ReturnedValue:
    """A value that the procedure returns for this field of its payload."""

    key: str
    field: str


@dataclass(frozen=True, slots=True)
class RowId:
    """The id of the row that the same statement has just written."""

    key: str
    entity: Entity


Member: TypeAlias = Text | Leaf | One | Many | Page | RowId | ReturnedValue


@dataclass(frozen=True, slots=True)
class TotalCount:
    key: str


@dataclass(frozen=True, slots=True)
class NodeList:
    key: str
    fields: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    key: str


@dataclass(frozen=True, slots=True)
class EdgeNode:
    key: str
    fields: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class EdgeList:
    key: str
    members: tuple[Text | Cursor | EdgeNode, ...]


class PageFact(StrEnum):
    """A field of PageInfo."""

    HAS_NEXT = "hasNextPage"
    HAS_PREVIOUS = "hasPreviousPage"
    START = "startCursor"
    END = "endCursor"


@dataclass(frozen=True, slots=True)
class PageDetail:
    key: str
    fact: PageFact


@dataclass(frozen=True, slots=True)
class PageInfo:
    key: str
    members: tuple[Text | PageDetail, ...]


View: TypeAlias = Text | TotalCount | NodeList | EdgeList | PageInfo


@dataclass(frozen=True, slots=True)
class Own:
    """What is known of all rows at one place of a selection."""

    columns: frozenset[str] = frozenset()
    """Columns that hold the viewer's id."""
    data: bool = False
    """Whether the rows are data of the viewer, so that reading them is not audited."""


UNKNOWN = Own()


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data a row is: a column at the end of a path of to-one relations."""

    path: tuple[tuple[Relation, Entity], ...]
    column: str
    right: Predicate
    """What gives others a right to the row: by it their organisation and role are found."""
    organisation: str | None = None
    """The column that names the organisation in whose right others have to do with the row."""
    also: tuple[str, ...] = ()
    """Columns beside it that name further persons of whom the row tells."""
    organisation_required: bool = False
    """Whether `organisation` is never NULL."""
    sees: Predicate = ALWAYS
    """Which rows the person may see, and so is shown that they were changed."""

    @property
    def key(self) -> str:
        """The row's own column at which the way to the person begins."""
        return str(self.path[0][0].key) if self.path else self.column


@dataclass(frozen=True, slots=True)
class Trace:
    """What reading others' rows leaves in the audit."""

    kind: str
    """The type that the entry names."""
    subject: Subject
    recorded: bool = True
    """False where the entry of the rows that they belong to covers them."""
    counted: bool = True
    """Whether counting them, and comparing them with a filter, leaves an entry."""
    by_right: bool = False
    """Whether only those leave one whom `subject.right` finds an organisation for."""


@dataclass(frozen=True, slots=True)
class Tested:
    """Rows of others that a filter or the place of a page is compared with, shown or not."""

    where: Predicate
    """For which of the filtered rows it matters."""
    steps: tuple[Exists, ...]
    """The relations from those to the rows that are compared, each with what must hold there."""
    trace: Trace


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, as one place in the selection asks for them."""

    entity: Entity
    relation: Relation | None
    """The relation from their parent; None at a root."""
    fields: tuple[Member, ...]
    where: Predicate = ALWAYS
    order: tuple[OrderTerm, ...] = ()
    first: Value | None = None
    last: Value | None = None
    """How many from the end; a page has this or `first`."""
    after: tuple[Value, ...] = ()
    """The sort keys' values to start after, then the id; empty for the beginning."""
    before: tuple[Value, ...] = ()
    """The same to end before; empty for the end."""
    own: Own = UNKNOWN
    trace: Trace | None = None
    """What reading them leaves in the audit; None for nothing."""
    tested: tuple[Tested, ...] = ()
    scans: tuple[Scan, ...] = ()
    """What the filter goes through."""
    filter: Predicate = ALWAYS
    required: bool = False
    """Whether they are one row that the request names, which must be there."""
    written: int | None = None
    """Rows just written by this statement: 0 the row itself, others lists inserted with it."""
    list: str = ""
    """The list that they are, as `Goal.tasks`: a list and its connection are one."""
    link: Link | None = None
    """Where the key of their relation names a person: by what they belong to their parent."""

    @property
    def size(self) -> Value | None:
        """How many there may be; None for all."""
        return self.first if self.last is None else self.last

    @property
    def is_backward(self) -> bool:
        """Whether they are counted from the end."""
        return self.last is not None


@dataclass(frozen=True, slots=True)
class Read:
    """A query operation, or the payload of a mutation: all its roots together."""

    roots: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A column and what is written to it; a searchable one's folded copy follows."""

    column: Column
    value: Value


@dataclass(frozen=True, slots=True)
class Parent:
    """The row that a new row belongs to: it must exist, and let the viewer add to it."""

    relation: Relation
    entity: Entity
    id: Value
    guard: Predicate


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to be inserted."""

    id: Value
    assignments: tuple[Assignment, ...]
    client_made: bool = False
    """Whether the client made the id, so that it may be in use."""


@dataclass(frozen=True, slots=True)
class Children:
    """Rows inserted along with their parent, in order."""

    relation: Relation
    entity: Entity
    rows: tuple[NewRow, ...]

    @property
    def client_ids(self) -> tuple[Value, ...]:
        """The ids of those whose id the client has made."""
        return tuple(row.id for row in self.rows if row.client_made)


@dataclass(frozen=True, slots=True)
class QuotaCheck:
    """A quota that a new row counts under: there must be a place for it.

    `conditions`: what must hold of the new row's own values for the quota to be about it; `unless`:
    the id that the new row has for the quota's exemption.
    """

    quota: Quota
    within: Value
    by: Value | None
    limit: int
    conditions: tuple[OneOf, ...]
    unless: Value | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """One new row, and those inserted along with it."""

    entity: Entity
    row: NewRow
    parents: tuple[Parent, ...]
    children: tuple[Children, ...]
    subject: Subject | None
    quotas: tuple[QuotaCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Changes to one row; with none it is only looked at."""

    entity: Entity
    id: Value
    guard: Predicate
    assignments: tuple[Assignment, ...]
    expected_version: Value | None
    subject: Subject | None
    record_only: bool = False
    """Only the audit entry is written, of a change made by other means."""


@dataclass(frozen=True, slots=True)
class Dependents:
    """Rows that are deleted with a row and that another may have written.

    Attributes:
        entity: their type.
        steps: from them to the deleted row: each relation, and the type it leads to.
        by: the columns that name who wrote them.
        subject: whose data they are.
    """

    entity: Entity
    steps: tuple[tuple[Relation, Entity], ...]
    by: tuple[str, ...]
    subject: Subject


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of one row, and of the rows that belong to it.

    `dependents`: those of them that leave an entry of their own, where another wrote them.
    """

    entity: Entity
    id: Value
    guard: Predicate
    expected_version: Value | None
    subject: Subject | None
    dependents: tuple[Dependents, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateMany:
    """The same changes to several rows, given as a JSON list of objects with an `id`."""

    entity: Entity
    rows: Value
    columns: tuple[tuple[str, Column], ...]
    """By the name of the value in the object; that of a folded copy is `<name> folded`."""
    subject: Subject | None


SingleChange: TypeAlias = Insert | Update | Delete
Change: TypeAlias = SingleChange | UpdateMany
