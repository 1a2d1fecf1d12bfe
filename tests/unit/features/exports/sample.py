"""A small journey with everything in it that is hard to write down."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from poutama.features.exports.journey import Evidence, Goal, Heading, Note, Task

EMOJI, ARABIC, HEBREW, CHINESE = "🎉🎉 👩🏽‍🎓", "مرحبا بالعالم", "שלום", "你好，世界"
LONG_WORD = "whakawhanaungatanga" * 40


def moment(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 21, 30, tzinfo=UTC)


def identity(number: int) -> UUID:
    return UUID(int=0x4000_8000_0000_0000_0000 + number)


HEADING = Heading(
    person_id=identity(1), name="Mereana Tūī", as_of=moment(9, 3), time_zone="Pacific/Auckland"
)

PHOTO = Evidence(
    id=identity(40), title="Māra kai", alt_text="Five kūmara plants", media_type="image/jpeg",
    size=1_234_567, sha256="ab" * 32, created_at=moment(3, 4), key="people/1/evidence/photo",
    thumbnail="people/1/evidence/photo-small", file="evidence/0001-01-mara-kai.jpg",
)  # fmt: skip
PAPER = Evidence(
    id=identity(41), title="Certificate", alt_text="", media_type="application/pdf", size=900,
    sha256="cd" * 32, created_at=moment(3, 5), key="people/1/evidence/paper",
    file="evidence/0001-02-certificate.pdf",
)  # fmt: skip

GARDEN = Goal(
    id=identity(10), goal_type="WELLBEING", title="Grow kūmara with my whānau",
    information='First line, "quoted"\nsecond line \\ done', complete=True, due_at=moment(4, 1),
    color="#76b041", created_at=moment(2, 3), updated_at=moment(3, 28),
    tasks=(
        Task(
            id=identity(20), information="Ask Nana about kōpura", complete=True,
            created_at=moment(2, 3), updated_at=moment(2, 9),
        ),
        Task(
            id=identity(21), information="=HYPERLINK(\"http://example.invalid\")", complete=False,
            created_at=moment(2, 3), updated_at=moment(2, 3),
        ),
    ),
    notes=(
        Note(
            id=identity(30), information=f"Ka pai! {EMOJI}", author="Hēmi Kea",
            created_at=moment(2, 10), updated_at=moment(2, 10), evidence=(PAPER,),
        ),
    ),
    evidence=(PHOTO,),
)  # fmt: skip
LANGUAGES = Goal(
    id=identity(11), goal_type="CULTURAL", title=f"{ARABIC}, {HEBREW}, {CHINESE}",
    information=LONG_WORD, complete=False, due_at=None, color=None,
    created_at=moment(5, 1), updated_at=moment(5, 1),
)  # fmt: skip
GOALS = (GARDEN, LANGUAGES)
