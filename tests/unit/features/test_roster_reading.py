"""Rows of files as real systems write them; whatever is wrong is named by file, line and field."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from poutama.features.roster.archive import open_archive
from poutama.features.roster.csv_reader import FileReader, open_manifest
from poutama.features.roster.error_report import ErrorReport
from poutama.features.roster.manifest import Manifest, Mode
from poutama.features.roster.roster_rows import ClassRow, EnrolmentRow, RoleRow, RosterRow, UserRow
from poutama.jobs.job import RowError
from poutama.zip_archive import ArchiveError
from tests.unit.features.rosters import (
    HEADERS,
    classes,
    csv_of,
    enrolments,
    manifest,
    small_school,
    user,
    zip_of,
)


def read(
    file: str, content: bytes, *, most: int = 1_000
) -> tuple[list[RosterRow], list[RowError], int]:
    reader = FileReader(open_archive(io.BytesIO(zip_of({f"{file}.csv": content}))), file)
    rows: list[RosterRow] = []
    errors, blind = list(reader.errors), 0
    if not reader.is_readable:
        return rows, errors, blind
    place = None
    while True:
        batch = reader.read_batch(place, most)
        rows += batch.rows
        errors += batch.errors
        blind += batch.blind
        place = batch.place
        if place is None:
            return rows, errors, blind


def art(name: str = "Art", school: str = "s1") -> ClassRow:
    """The first class of a file."""
    return ClassRow(sourced_id="c1", line=2, name=name, school=school, terms=("t1",))


def describe_errors(errors: list[RowError]) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.code) for error in errors]


def manifest_of(files: Mapping[str, bytes]) -> Manifest:
    return open_manifest(open_archive(io.BytesIO(zip_of(files))))


def test_a_small_school_is_read() -> None:
    archive = open_archive(io.BytesIO(small_school()))
    said = open_manifest(archive)
    assert (said.version, said.system) == ("1.1", "Made Up Records")
    assert said.modes["roles"] is Mode.ABSENT
    rows = FileReader(archive, "users").read_batch(None, 10).rows
    assert rows[1] == UserRow(
        sourced_id="u1",
        line=3,
        name="Ānaru Test",
        email="u1@school.example",
        username="u1",
        has_role=True,
        student=True,
    )
    rows = FileReader(archive, "enrollments").read_batch(None, 1).rows
    assert rows == [
        EnrolmentRow(sourced_id="c1-t1", line=2, class_id="c1", user_id="t1", role="MENTOR")
    ]


def test_users_and_roles_of_1_2_are_read() -> None:
    person = {**user("u1", "Test Person"), "preferredGivenName": "Tess"}
    for gone in ("role", "orgSourcedIds"):
        person.pop(gone)
    rows, errors, _ = read("users", csv_of("users 1.2", [person]))
    email = "u1@school.example"
    tess = UserRow(sourced_id="u1", line=2, name="Tess Person", email=email, username="u1")
    assert rows == [tess]
    role = {"sourcedId": "r1", "userSourcedId": "u1", "roleType": "primary", "role": "principal"}
    rows, more, _ = read("roles", csv_of("roles", [{**role, "orgSourcedId": "s1"}]))
    assert rows == [RoleRow(sourced_id="r1", line=2, user_id="u1", manages=True)]
    assert errors + more == []


def test_a_byte_order_mark_and_crlf_are_tolerated() -> None:
    content = b"\xef\xbb\xbf" + csv_of("classes", classes(("c1", "Art")), end="\r\n")
    assert read("classes", content) == ([art()], [], 0)


def test_headers_in_another_case_order_or_with_spaces_are_recognised() -> None:
    content = b'"Title",SOURCED ID,class_type,courseSourcedID,School Sourced Id,term-sourced-ids\n'
    rows, errors, _ = read("classes", content + b"Art,c1,homeroom,k,s1,t1\n")
    assert rows == [art()]
    assert errors == []


def test_headers_that_are_nearly_right_are_recognised_and_told() -> None:
    header = HEADERS["enrollments"].replace("classSourcedId", "clasSourceId")
    rows, errors, _ = read("enrollments", f"{header}\ne1,,,c1,s1,u1,student,,,\n".encode())
    assert isinstance(rows[0], EnrolmentRow)
    assert rows[0].class_id == "c1"
    assert describe_errors(errors) == [(1, "classSourcedId", "HEADER_READ_AS")]


def test_headers_that_are_not_near_enough_are_not_guessed() -> None:
    header = HEADERS["enrollments"].replace("classSourcedId", "room")
    rows, errors, _ = read("enrollments", f"{header}\ne1,,,c1,s1,u1,student,,,\n".encode())
    assert (rows, describe_errors(errors)) == ([], [(1, "classSourcedId", "NO_COLUMN")])


def test_a_column_that_is_there_twice_refuses_the_file() -> None:
    rows, errors, _ = read("classes", b"sourcedId,title,Title\nc1,Art,Music\n")
    assert (rows, describe_errors(errors)) == ([], [(1, "title", "COLUMN_TWICE")])


def test_columns_of_others_and_metadata_are_passed_over() -> None:
    header = HEADERS["classes"] + ",metadata.local.code,houseColour"
    (row,) = classes(("c1", "Art"))
    line = ",".join([*(row.get(name, "") for name in HEADERS["classes"].split(",")), "x", "red"])
    assert read("classes", f"{header}\n{line}\n".encode())[1] == []


def test_a_file_with_a_header_alone_has_no_rows_and_no_errors() -> None:
    assert read("users", csv_of("users", [])) == ([], [], 0)


def test_an_empty_file_has_no_header() -> None:
    assert describe_errors(read("users", b"")[1]) == [(0, "", "NO_HEADER")]


def test_line_ends_of_old_macs_and_utf_16_are_refused_with_a_reason() -> None:
    content = csv_of("users", [user("u1", "A B")], end="\r")
    assert describe_errors(read("users", content)[1]) == [(1, "", "BAD_HEADER")]
    with pytest.raises(ArchiveError, match="UTF-16"):
        read("users", csv_of("users", []).decode().encode("utf-16"))


def test_quoted_line_ends_in_a_name_become_spaces() -> None:
    rows, _, _ = read("classes", csv_of("classes", classes(("c1", "Art\nand  craft"))))
    assert rows == [art(name="Art and craft")]


def test_names_lose_what_shows_nothing_or_turns_the_direction() -> None:
    names = {"givenName": "Mrs \u202e", "familyName": "Sm\u200bith"}
    (row,), _, _ = read("users", csv_of("users", [{**user("u1", "Ana One"), **names}]))
    assert isinstance(row, UserRow)
    assert row.name == "Mrs Smith"
    titles = classes(("c1", "\u200bA\u202ert"), ("c2", "\u2066"))
    rows, errors, _ = read("classes", csv_of("classes", titles))
    assert rows[0] == art(name="Art")
    assert describe_errors(errors) == [(3, "title", "MISSING")]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"sourcedId": ""}, "sourcedId", "MISSING"),
        ({"sourcedId": "x" * 256}, "sourcedId", "BAD_ID"),
        ({"status": "gone"}, "status", "BAD_VALUE"),
        ({"enabledUser": ""}, "enabledUser", "MISSING"),
        ({"enabledUser": "perhaps"}, "enabledUser", "BAD_VALUE"),
        ({"role": "wizard"}, "role", "BAD_VALUE"),
        ({"givenName": "", "familyName": ""}, "familyName", "MISSING"),
        ({"familyName": "x" * 200}, "familyName", "TOO_LONG"),
        ({"email": "not one"}, "email", "BAD_EMAIL"),
    ],
)
def test_a_user_is_refused_by_the_field_that_is_wrong(
    change: Mapping[str, str], field: str, code: str
) -> None:
    good = user("u2", "Good Sample")
    rows, errors, blind = read("users", csv_of("users", [{**user("u1", "A B"), **change}, good]))
    assert (2, field, code) in describe_errors(errors)
    assert [row.sourced_id for row in rows if not row.refused] == ["u2"]
    # One that cannot be used is there all the same, if it is known who it is.
    assert blind == (field == "sourcedId")


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"classSourcedId": ""}, "classSourcedId", "MISSING"),
        ({"userSourcedId": ""}, "userSourcedId", "MISSING"),
        ({"role": "boss"}, "role", "BAD_VALUE"),
        ({"beginDate": "1/2/2026"}, "beginDate", "BAD_DATE"),
        ({"endDate": "2026-02-30"}, "endDate", "BAD_DATE"),
        ({"beginDate": "2026-02-03", "endDate": "2026-02-02"}, "endDate", "BAD_DATE"),
    ],
)
def test_an_enrolment_is_refused_by_the_field_that_is_wrong(
    change: Mapping[str, str], field: str, code: str
) -> None:
    (row,) = enrolments(("c1", "u1", "student"))
    rows, errors, _ = read("enrollments", csv_of("enrollments", [{**row, **change}]))
    assert describe_errors(errors) == [(2, field, code)]
    assert [row.refused for row in rows] == [True]


def test_what_is_wrong_and_not_needed_is_told_and_the_row_is_used() -> None:
    (row,) = classes(("c1", "Art"), classType="club", schoolSourcedId="")
    rows, errors, _ = read("classes", csv_of("classes", [row]))
    assert rows == [art(school="")]
    assert describe_errors(errors) == [
        (2, "classType", "ODD_BAD_VALUE"),
        (2, "schoolSourcedId", "ODD_MISSING"),
    ]


def test_values_in_another_case_and_times_for_dates_are_tolerated() -> None:
    more = {"status": "Active", "beginDate": "2026-02-02T00:00:00.000Z"}
    rows, errors, _ = read(
        "enrollments", csv_of("enrollments", enrolments(("c1", "u1", "Student"), **more))
    )
    assert errors == []
    assert isinstance(rows[0], EnrolmentRow)
    assert (rows[0].role, rows[0].begins) == ("STUDENT", "2026-02-02")


def test_a_username_stands_in_for_an_email() -> None:
    person = {**user("u1", "A B"), "email": "", "username": "A.B@School.Example"}
    rows, errors, _ = read("users", csv_of("users", [person]))
    assert errors == []
    assert isinstance(rows[0], UserRow)
    assert rows[0].email == "a.b@school.example"


@pytest.mark.parametrize(
    ("username", "kept"), [("Child.1", "child.1"), ("", ""), ("not@", ""), ("x" * 256, "")]
)
def test_a_user_without_an_email_is_used(username: str, kept: str) -> None:
    person = {**user("u1", "A B"), "email": "", "username": username}
    rows, errors, _ = read("users", csv_of("users", [person]))
    assert {code for _, _, code in describe_errors(errors)} <= {"ODD_MISSING"}
    assert [(row.sourced_id, getattr(row, "username", None)) for row in rows] == [("u1", kept)]


def test_rows_that_are_too_short_or_too_long_are_refused() -> None:
    good = csv_of("enrollments", enrolments(("c1", "u1", "student")))
    rows, errors, _ = read("enrollments", good + b"e2,,,c1,s1,u1\ne3,,,c1,s1,u1,student,,,,9\n")
    assert describe_errors(errors) == [(3, "", "BAD_WIDTH"), (4, "", "BAD_WIDTH")]
    assert [row.refused for row in rows] == [False, True, True]


def test_a_null_character_refuses_the_row() -> None:
    rows, errors, _ = read("classes", csv_of("classes", classes(("c1", "A\0B"))))
    assert describe_errors(errors) == [(2, "title", "BAD_CHARACTER")]
    assert rows[0].refused


def test_marks_without_end_refuse_a_name_that_is_needed_and_are_left_out_of_another() -> None:
    marks = "a" + "\u0301\u0316" * 300
    rows, errors, _ = read(
        "classes", csv_of("classes", classes(("c1", marks), ("c2", "x" * 1_021)))
    )
    assert describe_errors(errors) == [(2, "title", "BAD_CHARACTER"), (3, "title", "TOO_LONG")]
    assert all(row.refused for row in rows)
    person = {**user("u1", "A B"), "email": f"{marks}@school.example", "username": "u1@s.example"}
    rows, errors, _ = read("users", csv_of("users", [{**person, "givenName": marks}]))
    assert [code for _, _, code in describe_errors(errors)] == ["ODD_BAD_CHARACTER"] * 2
    assert isinstance(rows[0], UserRow)
    assert (rows[0].name, rows[0].email) == ("B", "u1@s.example")


def test_who_is_disabled_or_to_be_deleted_is_removed() -> None:
    people = [
        user("u1", "A B", enabledUser="false"),
        user("u2", "C D", status="toBeDeleted"),
        user("u3", "E F", status="active"),
    ]
    rows, _, _ = read("users", csv_of("users", people))
    assert [row.removed for row in rows] == [True, True, False]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("classes", "c1,tobedeleted"),
        ("users", "u1,tobedeleted"),
        ("users", "u1,inactive,,,,,,,,,,,not an address,,,,,"),
        ("users", "u1,,,false,s1,student,ana,,,,,,,,,,,"),
        ("roles", "r1,toBeDeleted,,,,,,,,"),
        ("enrollments", "e1,tobedeleted,2026-01-01T00:00:00.000Z,,,,,,,"),
    ],
)
def test_a_row_that_removes_needs_nothing_but_its_id(file: str, line: str) -> None:
    rows, errors, blind = read(file, f"{HEADERS[file]}\n{line}\n".encode())
    assert ([row.removed for row in rows], errors, blind) == ([True], [], 0)
    assert [(row.sourced_id, row.refused) for row in rows] == [(line.split(",")[0], False)]
    rows, errors, blind = read(file, f"{HEADERS[file]}\n{line[2:]}\n".encode())
    assert (rows, blind) == ([], 1)


def test_a_role_of_no_use_in_a_class_is_told_and_nothing_is_wanted_of_it() -> None:
    rows, errors, _ = read(
        "enrollments", csv_of("enrollments", enrolments(("c1", "u1", "administrator")))
    )
    assert describe_errors(errors) == [(2, "role", "UNUSED_ROLE")]
    assert rows[0].removed


def test_reading_goes_on_where_it_stopped_whatever_the_size_of_a_batch() -> None:
    content = csv_of("users", [user(f"u{i}", "A\nB") for i in range(50)])
    assert (
        read("users", content, most=1) == read("users", content, most=7) == read("users", content)
    )


def test_a_row_is_another_when_its_content_is_and_not_when_its_line_is() -> None:
    one = ClassRow(sourced_id="c1", line=2, name="Art")
    assert one.hash == ClassRow(sourced_id="c1", line=9, name="Art").hash
    assert one.hash != ClassRow(sourced_id="c1", line=2, name="Arts").hash


def test_a_file_that_is_announced_and_not_there_is_told_and_not_taken_to_be_empty() -> None:
    said = manifest_of({"manifest.csv": manifest(users="bulk", classes="bulk"), "users.csv": b""})
    assert said.modes["classes"] is Mode.ABSENT
    assert [(note.file, note.code) for note in said.notes] == [("classes.csv", "NO_FILE")]


def test_a_file_that_the_manifest_is_silent_about_ends_nothing() -> None:
    said = manifest_of({"manifest.csv": manifest(users="bulk"), "users.csv": b"", "roles.csv": b""})
    assert said.modes["roles"] is Mode.DELTA
    assert [(note.file, note.code) for note in said.notes] == [("roles.csv", "ODD_MODE")]


def test_a_version_that_is_not_known_and_a_zip_without_rosters_are_refused() -> None:
    with pytest.raises(ArchiveError, match=r"expected 1\.1 or 1\.2"):
        manifest_of({"manifest.csv": manifest("2.0", users="bulk"), "users.csv": b""})
    with pytest.raises(ArchiveError, match=r"expected 1\.1 or 1\.2"):
        manifest_of({"manifest.csv": manifest("1.10", users="bulk"), "users.csv": b""})
    with pytest.raises(ArchiveError, match="none of"):
        manifest_of({"manifest.csv": manifest(), "orgs.csv": b""})


def test_of_one_kind_of_error_the_first_are_reported_and_then_how_many() -> None:
    same = [RowError(file="a b.csv", line=i, field="", code="X", message="") for i in range(10)]
    report = ErrorReport(limit=3)
    assert len(report.admit(same[:5])) == 3
    assert report.admit(same[5:]) == []
    later = ErrorReport(report.counts, 3)
    assert [(one.file, one.code, one.line, one.message) for one in later.conclude()] == [
        ("a b.csv", "X", 0, "7 more rows are not listed.")
    ]


line = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(["c1", "u1", "true", "student", '"', "2026-01-01", "a@b.example"]),
        ),
        max_size=20,
    ).map(lambda cells: ",".join(cells).encode(errors="replace")),
)


@settings(deadline=None)
@given(
    st.sampled_from(["classes", "users", "roles", "enrollments"]),
    st.booleans(),
    st.lists(line, max_size=12),
)
def test_any_bytes_are_rows_or_errors(file: str, has_header: bool, lines: list[bytes]) -> None:
    start = [HEADERS[file].encode()] if has_header else []
    content = b"\n".join([*start, *lines])
    assume(content[:2] not in (b"\xff\xfe", b"\xfe\xff") and b"\0" not in content[:4])
    rows, errors, blind = read(file, content, most=3)
    assert all(error.code and error.message for error in errors)
    assert blind + sum(row.refused for row in rows) <= len(errors)
    assert all("\0" not in repr(row) for row in rows)


def test_memory_is_that_of_a_batch_however_long_the_file() -> None:
    content = csv_of("users", [user(f"u{i}", "Some Body") for i in range(30_000)])
    zipped = zip_of({"users.csv": content})
    tracemalloc.start()
    try:
        reader = FileReader(open_archive(io.BytesIO(zipped)), "users")
        place = reader.read_batch(None, 500).place
        while place is not None:
            place = reader.read_batch(place, 500).place
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 << 20
