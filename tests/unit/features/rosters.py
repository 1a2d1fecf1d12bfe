"""Rosters made up for tests: a school as OneRoster 1.1 or 1.2 has it, zipped."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

Table = Sequence[Mapping[str, str]]

HEADERS = {
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,"
    "classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "users": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,"
    "givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
    "users 1.2": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,"
    "familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
    "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,"
    "primaryOrgSourcedId,pronouns",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,"
    "orgSourcedId,userProfileSourcedId",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,"
    "parentSourcedId,schoolYear",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,"
    "userSourcedId,role,primary,beginDate,endDate",
}
CLASS = {
    "courseSourcedId": "co1",
    "classType": "scheduled",
    "schoolSourcedId": "s1",
    "termSourcedIds": "t1",
}
USER = {"enabledUser": "true", "orgSourcedIds": "s1"}
ENROLMENT = {"schoolSourcedId": "s1"}


def classes(*rows: tuple[str, str], **more: str) -> Table:
    """(sourcedId, title)."""
    return [{"sourcedId": id_, "title": title, **CLASS, **more} for id_, title in rows]


def user(id_: str, name: str, role: str = "student", **more: str) -> Mapping[str, str]:
    input, _, family = name.partition(" ")
    email = f"{id_}@school.example"
    names = {"givenName": input, "familyName": family, "username": id_, "email": email}
    return {"sourcedId": id_, "role": role, **USER, **names, **more}


def enrolments(*rows: tuple[str, str, str], **more: str) -> Table:
    """(class, user, role); the sourcedId is `class-user`."""
    return [
        {
            "sourcedId": f"{class_}-{user_}",
            "classSourcedId": class_,
            "userSourcedId": user_,
            "role": role,
            **ENROLMENT,
            **more,
        }
        for class_, user_, role in rows
    ]


def orgs(*rows: tuple[str, str, str]) -> Table:
    """(sourcedId, name, type)."""
    return [{"sourcedId": id_, "name": name, "type": type_} for id_, name, type_ in rows]


def terms(*rows: tuple[str, str, str]) -> Table:
    """(sourcedId, startDate, endDate)."""
    return [
        {"sourcedId": id_, "title": id_, "type": "term", "startDate": begins, "endDate": ends}
        for id_, begins, ends in rows
    ]


def csv_of(file: str, rows: Table, *, end: str = "\n") -> bytes:
    header = HEADERS[file].split(",")
    lines = [",".join(header)]
    for row in rows:
        assert set(row) <= set(header), set(row) - set(header)
        lines.append(",".join(_quoted(row.get(name, "")) for name in header))
    return (end.join(lines) + end).encode()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def manifest(version: str = "1.1", **modes: str) -> bytes:
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{file},{mode}" for file, mode in modes.items()]
    return "\n".join([*lines, "source.systemName,Made Up Records", ""]).encode()


def zip_of(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            zipped.writestr(info, content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def roster(*, mode: str = "bulk", version: str = "1.1", **tables: Table) -> bytes:
    """A zip with these tables, all of one mode."""
    return roster_of(tables, mode, version)


def roster_of(tables: Mapping[str, Table], mode: str = "bulk", version: str = "1.1") -> bytes:
    """The same, for tables that are together already."""
    columns = {"users": "users 1.2"} if version == "1.2" else {}
    files = {f"{file}.csv": csv_of(columns.get(file, file), rows) for file, rows in tables.items()}
    said = manifest(version, **dict.fromkeys(tables, mode))
    return zip_of({"manifest.csv": said, **files})


def small_school(*, mode: str = "bulk") -> bytes:
    """Two classes, a teacher and three students, one of whom is in both classes."""
    return roster(
        mode=mode,
        classes=classes(("c1", "9 Pūtaiao"), ("c2", "10 Art")),
        users=[
            user("t1", "Hana Mero", "teacher"),
            user("u1", "Ānaru Test"),
            user("u2", "Bea Sample"),
            user("u3", "Cy Example"),
        ],
        enrollments=enrolments(
            ("c1", "t1", "teacher"),
            ("c2", "t1", "teacher"),
            ("c1", "u1", "student"),
            ("c1", "u2", "student"),
            ("c2", "u2", "student"),
            ("c2", "u3", "student"),
        ),
    )
