"""Names of files are safe everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.features.exports.file_names import name_file, name_print, name_zip
from poutama.store.object_keys import check_key


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Māra kai", "evidence/0012-03-mara-kai.jpg"),
        ("../../etc/passwd", "evidence/0012-03-etc-passwd.jpg"),
        ("CON", "evidence/0012-03-con.jpg"),
        ("你好", "evidence/0012-03-file.jpg"),
        ("photo.exe\u202egpj.", "evidence/0012-03-photo-exe-gpj.jpg"),
        ("x" * 500, f"evidence/0012-03-{'x' * 48}.jpg"),
    ],
)
def test_a_title_becomes_a_safe_name(title: str, name: str) -> None:
    assert name_file("evidence", 12, 3, title, "image/jpeg") == name


@given(st.text(), st.text())
def test_whatever_they_are_called_no_name_leads_out(title: str, media_type: str) -> None:
    name = name_file("evidence", 1, 1, title, media_type)
    assert check_key(name) == name
    assert name.count("/") == 1
    assert len(name) < 80


def test_the_zip_has_the_name_and_the_day_it_is_there() -> None:
    as_of = datetime(2026, 3, 11, 20, 0, tzinfo=UTC)
    assert (
        name_zip("Mereana Tūī", as_of, "Pacific/Auckland") == "journey-mereana-tui-2026-03-12.zip"
    )
    assert name_zip("李", as_of, "No/Where") == "journey-student-2026-03-11.zip"


def test_volumes_sort_as_they_are_to_be_read() -> None:
    assert name_print(1, 1) == "journey.pdf"
    assert name_print(7, 50) == "journey-07-of-50.pdf"
