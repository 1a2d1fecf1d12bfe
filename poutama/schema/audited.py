"""What `@audited` says of a type: whose data its rows are, and which reads leave an entry.

`audit_rules` reads it from the schema files; `plan.audit_marks` and the pages follow it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AuditedReads(StrEnum):
    """Which reads of a type's rows by others leave an entry; see `mapping.graphql`."""

    ALL = "ALL"
    SHOWN = "SHOWN"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Audit:
    """Whose data the rows of a type are. With neither person nor relation, of no person.

    Attributes:
        person: the column that names the person.
        also: columns that name further persons of whom a row tells.
        by: columns that name who wrote or did something: a read of the row is not about them.
        through: the field of the row whose person it is.
        part: whether the row is a part of the row behind `through`: a read of it is a read of that.
        organisation: the column that names the organisation in whose right others see the row; None
            where the rules tell.
        organisation_required: whether that column is never NULL.
        reads: which reads by others leave an entry.
        unless: relationships in which reading leaves none.
        reason: why not every read leaves one; empty where every read does.
    """

    person: str | None = None
    also: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    through: str | None = None
    part: bool = False
    organisation: str | None = None
    reads: AuditedReads = AuditedReads.ALL
    unless: tuple[str, ...] = ()
    reason: str = ""
    organisation_required: bool = False
