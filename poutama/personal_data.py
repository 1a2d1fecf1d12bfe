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
    DELETE = "deleted with the person, by a statement"
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
        matches: for DELETE where no column leads to the person: SQL that holds for the rows of the
            person, called `p`, in the table, called `this`, such as `this.email = p.email`.
        columns: the columns, besides the path's first, that name the person or say who it is.
        erasure: what becomes of the rows.
        counted: whether a receipt says how many there are; not where no index finds them, nor where
            the number would tell its reader of rows that were hidden from them: then the receipt
            names the place whether there was something or not.
        note: what is in them, in a few words, for a receipt; for KEEP and SWEEP, after a colon, why
            they stay, or which task deletes them.
        export: where the person gets them: the parts of their export, or the field of the API; or
            `no:` and why not.
        retention: when they go while the person stays.
    """

    table: str
    path: str = ""
    matches: str = ""
    columns: tuple[str, ...] = ()
    erasure: Erasure = Erasure.CASCADE
    counted: bool = True
    note: str
    export: str = ""
    retention: str = WITH_THE_PERSON

    def __post_init__(self) -> None:
        """Refuse a declaration that retention could not follow.

        Raises:
            ConfigurationError: says which, and why.
        """
        is_found = bool(self.path) != bool(self.matches) and "." not in self.path
        if self.erasure is Erasure.DELETE and not is_found:
            raise ConfigurationError(
                f"personal data in {self.table!r}: path: expected the one column that holds the"
                f" person's id, or matches, got {self.path!r}"
            )
        if self.matches and self.erasure is not Erasure.DELETE:
            raise ConfigurationError(
                f"personal data in {self.table!r}: matches: expected with Erasure.DELETE alone"
            )

    @property
    def where(self) -> str:
        """The table, and the columns that lead from it to the person."""
        return f"{self.table}.{self.path}" if self.path else self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredData:
    """Files about people, in the object store.

    Attributes:
        prefix: how their keys begin, with `{person}` and `{organisation}` for the ids of these.
        note: what they are, in a few words.
        retention: when they go while the person stays.
        export: the parts of a person's export that have them; or `no:` and why not.
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
        columns=("name", "email"),
        erasure=Erasure.DELETE,
        note="name and email",
        export="`me { name email }`",
        retention="by `purge_departed_people`: [keeping.md](keeping.md#retention)",
    ),
    PersonalData(
        table="identity",
        path="person_id",
        columns=("subject",),
        note="sign-ins",
        export="no: the ids that the identity provider has, who gives them out itself",
    ),
    PersonalData(
        table="idempotency_key",
        path="person_id",
        counted=False,
        note="which rows recent mutations wrote",
        export="no: ids of rows that are exported themselves",
        retention="a day",
    ),
    PersonalData(
        table="idempotency_key",
        erasure=Erasure.SWEEP,
        note="ids of rows that others wrote: `purge_expired_keys`",
        export="no: ids, of what others did",
        retention="a day",
    ),
    PersonalData(
        table="person_budget",
        path="person_id",
        note="how much they asked for lately",
        export="no: a number that is overwritten within minutes",
    ),
    PersonalData(
        table="audit_entry",
        path="subject_id",
        counted=False,
        note="who read or changed their data",
        export="`auditConnection`: the newest 250; all of it by `me { auditConnection }`",
    ),
    PersonalData(
        table="audit_entry",
        path="actor_id",
        columns=("actor_name", "actor_role"),
        erasure=Erasure.KEEP,
        counted=False,
        note="what they did to others' data, under the name they had: it is the others' record, and"
        " is deleted with them",
        export="no: it is about others",
    ),
    PersonalData(
        table="audit_entry",
        path="row_id",
        erasure=Erasure.KEEP,
        counted=False,
        note="that a person was deleted, by an id that leads to no row: a restored backup is erased"
        " again by it",
        export="no: there is none while the person stays",
    ),
    PersonalData(
        table="job",
        path="person_id",
        counted=False,
        note="jobs they asked for",
        export="`jobsConnection { nodes }`",
    ),
    PersonalData(
        table="job",
        path="subject_id",
        columns=("result_name",),
        counted=False,
        note="jobs about them",
        export="`me { auditConnection }`",
    ),
    PersonalData(
        table="job_row_error",
        path="job_id.person_id",
        note="what those jobs reported",
        export="`job { rowErrors }`",
    ),
    PersonalData(
        table="doomed_object",
        erasure=Erasure.SWEEP,
        note="keys of files that are being deleted: `delete_scheduled_objects`",
        export="no: the files are deleted",
        retention="two days",
    ),
)
"""What belongs to no feature."""

CORE_IMPERSONAL_TABLES = (
    "applied_revision",
    "migration_lock",
    "organisation",
)
"""Tables of no feature that hold nothing about people."""
