"""The difference that an import makes, counted and in sentences.

`roster.steps` calls it once the staged rows are matched. Reads only staged rows and names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO, assert_never
from uuid import UUID

from asyncpg import Record

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.features.roster.claims import render_address, render_belongs
from poutama.features.roster.enrolment import (
    OTHER_DOMAIN,
    OWN_DECISION,
    render_mentors_as_leader,
    render_studies,
)
from poutama.features.roster.records import IS_RENAMED
from poutama.features.roster.staged_tables import StagedTable
from poutama.jobs.job import RowError
from poutama.spreadsheet import BYTE_ORDER_MARK, format_row

ACTIONS = ("ADD", "CHANGE", "MOVE", "END")
HEADER = ("change", "what", "file line", "sourcedId", "in words")


def _render_name(person: str) -> str:
    """The name under which an import shows a person who is there.

    It is the person's own where they belonged to the organisation when it was checked, else the one
    under which the organisation invited them; null where there is neither.
    """
    member = (
        f"SELECT 1 FROM membership AS nm WHERE nm.person_id = {person}"  # noqa: S608  names
        " AND (nm.organisation_id = i.organisation_id) IS TRUE AND nm.accepted_at IS NOT NULL"
        " AND (nm.ends_at IS NULL OR nm.ends_at > coalesce(i.checked_at, now()))"
    )
    invited = (
        f"SELECT min(nm.invited_name) FROM membership AS nm WHERE nm.person_id = {person}"  # noqa: S608
        " AND (nm.organisation_id = i.organisation_id) IS TRUE"
    )
    name = f"CASE WHEN EXISTS ({member}) THEN np.name ELSE ({invited}) END"
    return f"(SELECT {name} FROM person AS np WHERE np.id = {person})"  # noqa: S608  names


# Of a person who is there, their own; `p` is the row of the file.
_ADDRESS = "coalesce((SELECT np.email FROM person AS np WHERE np.id = s.person_id), p.email)"
_SQL = load_sql(
    __package__,
    "difference.sql",
    {
        # Of one that is there already, and offered, the person was asked before.
        "is_invited": "m.action IN ('ADD', 'MOVE') AND m.found = 'NEW'",
        "other_domain": f"'{OTHER_DOMAIN}'",
        "own_decision": f"'{OWN_DECISION}'",
        "leads": render_mentors_as_leader("s", "i.organisation_id"),
        "studies": render_studies("s", "i.organisation_id", _ADDRESS),
        "belongs": render_belongs("s.target"),
        "address": render_address("s"),
        "is_renamed": IS_RENAMED,
        "person_name": _render_name("s.target"),
        "member_name": _render_name("s.person_id"),
        "former_name": _render_name("o.person_id"),
    },
)
COUNT = _SQL["count_changes"]
_READ = {
    StagedTable.GROUP: _SQL["read_groups"],
    StagedTable.PERSON: _SQL["read_people"],
    StagedTable.MEMBERSHIP: _SQL["read_memberships"],
}
_READ_FAULTS = {
    StagedTable.PERSON: _SQL["read_faults_of_people"],
    StagedTable.MEMBERSHIP: _SQL["read_faults_of_memberships"],
}
_FAULTS = {
    "AMBIGUOUS": (
        "email",
        "The email {email!r} could be more than one person's: none was chosen.",
    ),
    "TAKEN": (
        "email",
        "The email {email!r} is that of {holder}, for whom another sourcedId stands or stood, or"
        " who has left: {name} was not added. An administrator decides whether they are one person"
        " (addressConflicts).",
    ),
    # Not whether the person has left, or belongs to another school.
    "TAKEN_BY_OTHERS": (
        "email",
        "The email {email!r} may be another person's: {name} was not added. Where addressConflicts"
        " lists it, an administrator decides whether they are one person; otherwise use an address"
        " of the school's own mail domains, or give them the join code of their class.",
    ),
    "FOREIGN": (
        "email",
        "The email {email!r} is of a mail domain of another organisation: {name} was not added. Use"
        " the address that they have at this school, or give them the join code of their class.",
    ),
    "FREED": (
        "email",
        "The roster of another organisation had listed the email {email!r}, which is of this one's"
        " mail domain: the person whom it had made loses the address, and {name} has it.",
    ),
    "SHARED": (
        "email",
        "The email {email!r} is in other rows as well: {name} has none here, until a row gives them"
        " one of their own.",
    ),
    "KEPT": (
        "email",
        "Name or email stay as they are: the person has signed in, is not a member, or belongs to"
        " another organisation as well, or another person has the email.",
    ),
    "OTHER_DOMAIN": (
        "email",
        "The email stays as it is: {email!r} is of none of the organisation's mail domains, and a"
        " roster changes an email to one of these alone. Correct it in the school's system; if the"
        " domain is the school's, ask those who run the service to add it.",
    ),
    "NO_CLASS": ("classSourcedId", "There is no class {class_id!r} that could be used."),
    "NO_USER": ("userSourcedId", "There is no user {user_id!r} that could be used."),
    "PAST": (
        "endDate",
        "It is over, by its own dates or the terms of its class: nothing was added.",
    ),
    "DECLINED": (
        "userSourcedId",
        "The user {user_id!r} has declined an offer of the organisation lately: nothing is offered"
        " to them before the pause after that is over (POUTAMA_INVITATION_PAUSE_DAYS).",
    ),
    "NO_ADDRESS": (
        "userSourcedId",
        "The user {user_id!r} has no email of their own: only students can do without one. Add"
        " it in the school's system.",
    ),
    "CHANGED": ("", "This was changed meanwhile; nothing was done. Import again."),
}
_OFFERED = {
    None: "",
    OTHER_DOMAIN: ", once they have accepted: their address is of none of its mail domains",
    OWN_DECISION: ", once they have accepted: they had an account here before, belong to another"
    " organisation as well, or have left",
}
_REVIVES = ", and the group, which was ended, is brought back"
_WAITS = ", once another manager or administrator has confirmed it: they are "
_ROLES = {"STUDENT": "a student", "MENTOR": "a mentor", "MENTOR_MANAGER": "a manager"}


async def read_changes(
    database: Database,
    table: StagedTable,
    import_id: UUID,
    first: int,
    before: int,
    *,
    deadline: float,
    action: str | None = None,
    limit: int = 1_000_000,
) -> Sequence[Record]:
    """The rows from one place to another that change something, in the order of the file."""
    values = [import_id, first, before, action, limit]
    return await database.read(_READ[table], values, deadline=deadline, name="roster/changes")


async def read_faults(
    database: Database,
    table: StagedTable,
    import_id: UUID,
    first: int,
    before: int,
    *,
    deadline: float,
) -> list[RowError]:
    """What matching or writing has found wrong with rows from one place to another."""
    values = [import_id, first, before]
    rows = await database.read(_READ_FAULTS[table], values, deadline=deadline, name="roster/faults")
    return [_report_fault(table, row) for row in rows]


def _report_fault(table: StagedTable, row: Record) -> RowError:
    known = row["fault"] != "TAKEN" or row["holder"]
    field, message = _FAULTS[row["fault"] if known else "TAKEN_BY_OTHERS"]
    named = {key: str(row[key])[:60] for key in ("email", "class_id", "user_id", "name")}
    named["holder"] = (row["holder"] or "")[:60]
    file = "users.csv" if table is StagedTable.PERSON else "enrollments.csv"
    if row["kind"] in ("ROLE", "USER"):
        file = "roles.csv" if row["kind"] == "ROLE" else "users.csv"
    return RowError(
        file=file,
        line=row["line"],
        field=field,
        code=_CODES.get(row["fault"], row["fault"]),
        message=message.format(**named),
    )


USED = frozenset(("FREED", "KEPT", "OTHER_DOMAIN", "PAST", "SHARED"))
"""Codes of rows that are used, or are over."""
_CODES = {"NO_CLASS": "UNKNOWN_REFERENCE", "NO_USER": "UNKNOWN_REFERENCE"}


def describe_change(table: StagedTable, row: Record) -> str:
    """A sentence for people about what happens to the row."""
    match table:
        case StagedTable.GROUP:
            return _describe_group(row)
        case StagedTable.PERSON:
            return _describe_person(row)
        case StagedTable.MEMBERSHIP:
            return _describe_membership(row)
        case _:
            assert_never(table)


def _describe_group(row: Record) -> str:
    match row["action"]:
        case "ADD":
            return f"New group {row['name']}."
        case "CHANGE" if row["is_renamed"]:
            return f"Group {row['old_name']} is called {row['name']} from now on."
        case "CHANGE":
            return f"Group {row['name']} is in the roster again, or described anew."
    return f"Group {row['name']} is no longer in the roster: memberships by the roster end."


def _describe_person(row: Record) -> str:
    name = row["name"]
    who = f"{name} ({row['email']})" if row["email"] else _identify(name, row["sourced_id"])
    match row["action"], row["found"]:
        case "ADD", _ if row["belongs"]:
            return f"{who} has an account here already, which is used."
        case "ADD", _:
            return f"New person {who}{'' if row['email'] else ', without an email'}."
        case "CHANGE", _:
            parts = []
            if row["returns"]:
                parts.append("is in the roster again")
            if row["takes_name"]:
                parts.append(f"was called {row['old_name']}")
            if row["takes_email"] and row["shared"]:
                parts.append("loses the email, which other rows have as well")
            elif row["takes_email"]:
                parts.append(f"gets the email {row['email']}")
            return f"{name} {', and '.join(parts) or 'is described anew'}."
    return f"{who} is no longer in the roster: their memberships by the roster end."


def _describe_membership(row: Record) -> str:
    name, place = row["name"] or row["user_id"], _describe_place(row["role"], row["group_name"])
    after = _OFFERED[row["asks"]]
    if row["leads"] or row["studies"]:
        after += _WAITS + ("one themselves" if row["leads"] else "or were a student here")
    after += _REVIVES if row["revives"] else ""
    former = _identify(row["old_name"], row["old_user_id"])
    was = _describe_place(row["old_role"], row["old_group"])
    match row["action"]:
        case "ADD" if row["found"] == "THERE":
            return f"{name} is {place} already, as in the roster."
        case "ADD":
            return f"{name} becomes {place}{after}."
        case "CHANGE":
            return f"{name} stays {place}, for another time."
        case "MOVE" if row["replaces"]:
            who = _identify(row["name"], row["user_id"])
            return f"{who} becomes {place}{after}, in place of {former}, who was {was}."
        case "MOVE":
            return f"{former}, who was {was}, becomes {place}{after}."
    return f"{former} is no longer {was}."


def _identify(name: str | None, sourced_id: str | None) -> str:
    """A person by name and id; by one of them where there is no other."""
    if name and sourced_id:
        return f"{name} ({sourced_id})"
    return name or sourced_id or "A person"


def _describe_place(role: str | None, group: str | None) -> str:
    return _ROLES.get(role or "", "a member") + (f" of {group}" if group else "")


def action_of(row: Record) -> str:
    """The change in the words of the API."""
    return "CHANGE" if row["action"] == "MOVE" else str(row["action"])


def write_header(file: TextIO) -> None:
    """Begin a report."""
    file.write(BYTE_ORDER_MARK + format_row(HEADER))


def write_changes(file: TextIO, table: StagedTable, rows: Sequence[Record]) -> None:
    """Add rows to a report; no cell of it is a formula, whatever people are called."""
    for row in rows:
        line, sentence = str(row["line"] or ""), describe_change(table, row)
        file.write(format_row((action_of(row), table.value, line, row["sourced_id"], sentence)))
