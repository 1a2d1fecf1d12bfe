"""`PersonalData`: where a feature keeps what is about people, and what erasing a person does there.

Features declare theirs (`poutama.feature`), this module what belongs to none. Retention reads the
declarations, and a test holds them to the database's catalogue: a table from which foreign keys
lead to `person`, or whose columns are named like people, is declared.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """Rows about people.

    Attributes:
        table: its name.
        path: the columns that lead from the table to `person`, with dots between them, such as
            `goal_id.person_id`; empty where none do, as for a name in a text.
        erasure: what becomes of the rows.
        note: what is in them, in a few words; for KEEP and SWEEP also why, and for how long.
    """

    table: str
    path: str = ""
    erasure: Erasure = Erasure.CASCADE
    note: str

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


CORE_PERSONAL_DATA = (
    PersonalData(table="person", path="id", erasure=Erasure.DELETE, note="name and email"),
    PersonalData(table="identity", path="person_id", note="sign-ins"),
    PersonalData(
        table="idempotency_key", path="person_id", note="which rows recent mutations wrote"
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
)
"""What belongs to no feature."""
