"""The rows of a roster's files: `roster.row_parser` makes them, `roster.staging` stages them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from json import dumps
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """What every row has.

    Attributes:
        sourced_id: what the school's system calls it, for ever; empty if it cannot be read.
        line: where it begins.
        refused: it is there, but cannot be used.
        removed: it says that it is to be removed.
    """

    file: ClassVar[str]
    apart: ClassVar[frozenset[str]] = frozenset(("line",))
    """Fields that are not of its content."""
    sourced_id: str
    line: int
    refused: bool = False
    removed: bool = False

    @property
    def hash(self) -> str:
        """Distinguishes its content from another's, whatever line it is in."""
        parts = {name: value for name, value in asdict(self).items() if name not in self.apart}
        return sha256(dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow(RosterRow):
    """A class: a group, with its school's id.

    It is `bare` where the file names no schools. `begins` and `ends` are those of its `terms`,
    where they are known.
    """

    file: ClassVar[str] = "classes"
    name: str = ""
    school: str = ""
    bare: bool = False
    terms: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow(RosterRow):
    """A user: a person, unless they are `family` alone; `has_role` where users have roles (1.1).

    The `email` may be empty. The `username` is one that is not an address, in lower case.
    """

    file: ClassVar[str] = "users"
    # It tells people apart; it changes nothing of them.
    apart: ClassVar[frozenset[str]] = frozenset(("line", "username", "student"))
    name: str = ""
    email: str = ""
    username: str = ""
    has_role: bool = False
    family: bool = False
    manages: bool = False
    student: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow(RosterRow):
    """A role of a user, as 1.2 has it; one without use here is neither."""

    file: ClassVar[str] = "roles"
    apart: ClassVar[frozenset[str]] = frozenset(("line", "student"))
    user_id: str = ""
    family: bool = False
    manages: bool = False
    student: bool = False
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRow(RosterRow):
    """An enrolment: a membership. `begins` is the first day, `ends` the one after the last."""

    file: ClassVar[str] = "enrollments"
    class_id: str = ""
    user_id: str = ""
    role: str = ""
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgRow(RosterRow):
    """A school, a district, or another organisation, as `kind` says."""

    file: ClassVar[str] = "orgs"
    name: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow(RosterRow):
    """A term, or another session: `begins` is its first day, `ends` the one after the last."""

    file: ClassVar[str] = "academicSessions"
    begins: str = ""
    ends: str = ""
