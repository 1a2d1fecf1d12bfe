"""`PersonalData` and `StoredData`: what tables and files hold of people, and how it ends.

Features declare theirs (`poutama.feature`), this module what belongs to none. Retention and erasure
read the declarations, `docs/personal-data.md` is generated from them, and tests hold them to the
database's catalogue and to the keys of the store: every table is declared, here or as one that
holds nothing about people, and so is every file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from poutama.errors import ConfigurationError


class Erasure(StrEnum):
    """What becomes of a row when its person is erased."""

    CASCADE = "deleted with the person, by its foreign keys"
    DELETE = "deleted with the person, by retention"
    ANONYMISE = "kept without the person: the foreign key becomes null"
    SWEEP = "deleted by a task, soon afterwards"
    KEEP = "kept"


WITH_THE_PERSON = "with the person"
"""The retention of what nothing else ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """Rows about people.

    Attributes:
        table: its name.
        path: the columns that lead from the table to `person`, with dots between them, such as
            `goal_id.person_id`; empty where none do, as for a name in a text.
        erasure: what becomes of the rows.
        note: what is in them, in a few words; for KEEP and SWEEP also why, and for how long.
        export: the parts of a person's export that show them; empty: none does.
        retention: when they go while the person stays.
    """

    table: str
    path: str = ""
    erasure: Erasure = Erasure.CASCADE
    note: str
    export: str = ""
    retention: str = WITH_THE_PERSON

    def __post_init__(self) -> None:
        """Refuse a declaration that retention could not follow.

        Raises:
            ConfigurationError: says which, and why.
        """
        if self.erasure is Erasure.DELETE and (not self.path or "." in self.path):
            raise ConfigurationError(
                f"personal data in {self.table!r}: path: expected the one column that holds the"
                f" person's id, got {self.path!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredData:
    """Files about people, in the object store.

    Attributes:
        prefix: how their keys begin, with `{person}` and `{organisation}` for the ids of these.
        note: what they are, in a few words.
        retention: when they go while the person stays.
        export: the parts of a person's export that have them; empty: none has.
        keys: SQL that yields the column `key` of every object that is, or may yet be written, of
            the person whose id is at $1; empty: those that begin with the prefix of the person.
    """

    prefix: str
    note: str
    retention: str
    export: str = ""
    keys: str = ""

    def covers(self, key: str) -> bool:
        """Whether an object with this key is one of these files."""
        parts = re.split(r"\{(?:person|organisation)\}", self.prefix)
        return re.match("[0-9a-f-]{36}".join(map(re.escape, parts)), key) is not None


CORE_PERSONAL_DATA = (
    PersonalData(
        table="person",
        path="id",
        erasure=Erasure.DELETE,
        note="name and email",
        export="the name",
        retention="by `purge_departed_people`: [keeping.md](keeping.md#retention)",
    ),
    PersonalData(table="identity", path="person_id", note="sign-ins"),
    PersonalData(
        table="idempotency_key",
        path="person_id",
        note="which rows recent mutations wrote",
        retention="a day",
    ),
    PersonalData(table="person_budget", path="person_id", note="how much they asked for lately"),
    PersonalData(table="audit_entry", path="subject_id", note="who read or changed their data"),
    PersonalData(
        table="audit_entry",
        erasure=Erasure.KEEP,
        note="what they did to others' data, under the name they had: it is the others' record,"
        " and goes with them",
    ),
    PersonalData(table="job", path="person_id", note="jobs they asked for"),
    PersonalData(table="job", path="subject_id", note="jobs about them"),
    PersonalData(table="job_row_error", path="job_id.person_id", note="what those jobs reported"),
    PersonalData(
        table="doomed_object",
        erasure=Erasure.SWEEP,
        note="keys of files that are being deleted: `delete_scheduled_objects`",
        retention="two days",
    ),
)
"""What belongs to no feature."""

CORE_IMPERSONAL_TABLES = (
    "applied_revision",
    "migration_lock",
    "organisation",
    "verified_organisation",
)
"""Tables of no feature that hold nothing about people."""
