"""Files that are not as the standard says, and read all the same, or refused with a reason."""

from __future__ import annotations

import io

import pytest

from poutama.features.roster.archive import open_archive
from poutama.features.roster.csv_reader import FileReader, open_manifest
from poutama.features.roster.manifest import Mode
from poutama.features.roster.roster_rows import UserRow
from poutama.zip_archive import ArchiveError
from tests.unit.features.rosters import csv_of, manifest, user, zip_of
from tests.unit.features.test_roster_reading import describe_errors, manifest_of, read


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("file", ["users", "manifest"])
def test_utf_16_is_named_as_such_with_its_mark_and_without(file: str, encoding: str) -> None:
    text = csv_of("users", []) if file == "users" else manifest(users="bulk")
    files = {"users.csv": csv_of("users", []), f"{file}.csv": text.decode().encode(encoding)}
    archive = open_archive(io.BytesIO(zip_of(files)))
    with pytest.raises(ArchiveError, match=rf"{file}\.csv is UTF-16; it must be UTF-8"):
        _ = open_manifest(archive), FileReader(archive, "users")


@pytest.mark.parametrize(("separator", "named"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_are_read_and_reported(separator: str, named: str) -> None:
    lines = csv_of("users", [user("u1", "Ana T"), user("u2", "Bea S")]).decode()
    quoted = lines.replace(",", separator).replace("Bea", f'"Bea{separator}\r\nIda"')
    rows, errors, blind = read("users", quoted.encode())
    assert [row.sourced_id for row in rows] == ["u1", "u2"]
    assert isinstance(rows[1], UserRow)
    assert rows[1].name == ("Bea; Ida S" if separator == ";" else "Bea Ida S")
    assert (describe_errors(errors), blind) == ([(1, "", "ODD_SEPARATOR")], 0)
    assert named in errors[0].message
    said = manifest_of(
        {"manifest.csv": manifest(users="bulk").replace(b",", separator.encode()), "users.csv": b""}
    )
    assert (said.modes["users"], said.version) == (Mode.BULK, "1.1")


def test_users_of_1_0_have_no_column_that_enables_them() -> None:
    header = (
        "sourcedId,status,dateLastModified,orgSourcedIds,role,username,givenName,familyName,email"
    )
    row = "u1,,,s1,student,ana,Ana,T,u1@school.example"
    rows, errors, _ = read("users", f"{header}\n{row}\n".encode())
    assert describe_errors(errors) == [(1, "enabledUser", "ODD_NO_COLUMN")]
    assert [(row.sourced_id, row.refused, row.removed) for row in rows] == [("u1", False, False)]


@pytest.mark.parametrize(
    ("spelt", "read_as"),
    [("v1.1", "1.1"), ("1.2.1", "1.2"), ("V1.2", "1.2"), ("OneRoster v1.1.0", "1.1")],
)
def test_a_version_that_is_spelt_otherwise_is_accepted_and_reported(
    spelt: str, read_as: str
) -> None:
    said = manifest_of({"manifest.csv": manifest(spelt, users="bulk"), "users.csv": b""})
    assert (said.version, describe_errors(said.notes)) == (read_as, [(0, "", "ODD_VERSION")])
    assert spelt in said.notes[0].message


def test_without_a_manifest_nothing_is_taken_to_be_absent() -> None:
    said = manifest_of({"users.csv": b""})
    assert (said.modes["users"], said.modes["classes"]) == (Mode.DELTA, Mode.ABSENT)
    assert describe_errors(said.notes) == [(0, "", "NO_MANIFEST")]


def test_extra_files_are_told_and_not_fatal() -> None:
    said = manifest_of(
        {
            "Manifest.CSV": manifest(users="bulk"),
            "users.csv": b"",
            "orgs.csv": b"",
            "notes.txt": b"",
        }
    )
    assert [(note.file, note.code) for note in said.notes] == [("notes.txt", "UNUSED_FILE")]


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("mailto:u1@school.example", "write the address alone, without mailto:."),
        ("u1@school.example;pa@home.example", "expected one address, got several."),
        ("u1@school.example, pa@home.example", "expected one address, got several."),
        ("u1@school.example,pa@home.example", "expected one address, got several."),
        ("<u1@school.example>", "expected an email address."),
    ],
)
def test_what_is_not_one_address_is_refused_with_a_sentence(email: str, expected: str) -> None:
    rows, errors, _ = read("users", csv_of("users", [user("u1", "Ana T", email=email)]))
    assert [row.refused for row in rows] == [True]
    assert [(error.code, error.message) for error in errors] == [
        ("BAD_EMAIL", f"email is {email!r}; {expected}")
    ]
