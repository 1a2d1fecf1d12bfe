"""Worlds: a few people with goals, tasks and notes, as hostile and as alike as rows can be.

Values come from small pools of their own world, so that rows tie, filters match some rows but not
all, and one text is part of another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.reference.resolvers import Row, World

TEXTS = (
    "", " ", "a", "A", "aa", "Māori", "maori", "MĀORI", "ma\u0304ori", "\u0304", "ﬁne", "FINE",
    "Straße", "STRASSE", "İ", "ı", "ς", "Σ", "'", "''", '"', '\\"', "\\", "\\\\u0041", "\\n", "\n",
    "\r\n", "\t", "\b\f\v", "\x01", "\x1b[0m", "\x1f", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffd",
    "😀", "👩‍👩‍👧", "\U0010ffff", "%", "_", "a%", "\\%", "{}", "[]", "null", "true", "0", "$1",
    "%s", "-- ", "/*", "'; drop table goal; --", "</script>", "{id}", "\ud7ff", "\ue000", "ǅ", "Å",
)  # fmt: skip
"""Texts that some layer between a column and a client might trip over; NUL cannot be stored."""

MOMENTS = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(99, 12, 31, 23, 59, 59, 100_000, tzinfo=UTC),
    datetime(1582, 10, 10, 12, 0, 0, 500, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 2, 29, 10, 0, 0, 10, tzinfo=UTC),
    datetime(2026, 2, 3, 21, 30, 0, 120_000, tzinfo=UTC),
    datetime(2026, 9, 26, 14, 30, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
INTEGERS = (1, 2, 3, 10, 2**31 - 1)
IDS = (UUID(int=1), UUID(int=2**127), UUID(int=2**128 - 1), UUID("0fffffff" + "f" * 24))
GOAL_AUDIENCES = ("CAREGIVERS", "MENTORS", "ME")
NOTE_AUDIENCES = ("CAREGIVERS", "STUDENT", "STAFF")
GOAL_TYPES = ("ACADEMIC", "PERSONAL", "CAREER", "WELLBEING", "CULTURAL", "SPORTS")

characters = st.characters(codec="utf-8", exclude_characters="\0")
texts = st.one_of(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4).map("".join),
    st.text(characters, max_size=6),
)
moments = st.one_of(
    st.sampled_from(MOMENTS),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001  the strategy wants bounds without a zone
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
)


@dataclass(frozen=True, slots=True)
class Pools:
    """The values a world's rows have, and that filters over it are made of."""

    texts: list[str]
    moments: list[datetime]


@dataclass(frozen=True, slots=True)
class Setting:
    """A world, whose eyes it is seen with, and what it is made of."""

    world: World = field(repr=False)
    viewer: UUID
    pools: Pools = field(repr=False)


@st.composite
def settings_of_worlds(draw: DrawFn) -> Setting:
    pools = Pools(
        texts=draw(st.lists(texts, min_size=4, max_size=7, unique=True)),
        moments=draw(st.lists(moments, min_size=2, max_size=4, unique=True)),
    )
    ids = _ids(draw)
    people = [
        _row(draw, pools, ids, email=f"{number}{draw(texts)}", name=draw(texts))
        for number in range(draw(st.integers(1, 3)))
    ]
    # Now and then a viewer who has set no goal; never are all goals another's.
    viewer = people[0]
    owners = [viewer, viewer, *people]
    goals = [
        _row(draw, pools, ids, personId=draw(st.sampled_from(owners))["id"], **_goal(draw, pools))
        for _ in range(draw(st.sampled_from((5, 3, 4, 6, 0, 7, 8, 8, 8, 5))))
    ]
    world = {
        "Person": people,
        "Goal": goals,
        "GoalTask": _children(draw, pools, ids, goals, _task(pools)),
        "GoalNote": _children(draw, pools, ids, goals, _author(people)),
    }
    return Setting(world, viewer["id"], pools)


def _ids(draw: DrawFn) -> list[UUID]:
    """Enough different ids, in no order, with the first and the last there are among them."""
    spread = draw(st.lists(st.integers(0, 2**64 - 1), min_size=70, max_size=70, unique=True))
    return [*IDS, *(UUID(int=number << 64 | 7) for number in spread)]


def _row(draw: DrawFn, pools: Pools, ids: list[UUID], **values: object) -> Row:
    return {
        "id": ids.pop(draw(st.integers(0, min(7, len(ids) - 1)))),
        **values,
        "version": draw(st.sampled_from(INTEGERS)),
        "updatedAt": _moment(draw, pools),
        "createdAt": _moment(draw, pools),
    }


def _goal(draw: DrawFn, pools: Pools) -> Row:
    return {
        **_completion(draw, pools),
        "goalType": draw(st.sampled_from(GOAL_TYPES)),
        "title": _text(draw, pools),
        "information": _text(draw, pools),
        "dueAt": _moment(draw, pools) if draw(st.booleans()) else None,
        "color": _text(draw, pools) if draw(st.booleans()) else None,
        "audience": draw(st.sampled_from(GOAL_AUDIENCES)),
        "organisationIds": draw(st.sampled_from((None, (), IDS))),
    }


def _children(
    draw: DrawFn,
    pools: Pools,
    ids: list[UUID],
    goals: list[Row],
    others: Callable[[DrawFn], Row],
) -> list[Row]:
    return [
        _row(draw, pools, ids, goalId=goal["id"], information=_text(draw, pools), **others(draw))
        for goal in goals
        for _ in range(draw(st.sampled_from((0, 1, 2, 3, 4))))
    ]


def _completion(draw: DrawFn, pools: Pools) -> Row:
    """Whether it is complete, and since when if that is known."""
    complete = draw(st.booleans())
    since = _moment(draw, pools) if complete and draw(st.booleans()) else None
    return {"complete": complete, "completedAt": since}


def _task(pools: Pools) -> Callable[[DrawFn], Row]:
    places = (0, 1, 2, 3, -5, 2**31 - 1)

    def draw_task(draw: DrawFn) -> Row:
        return {**_completion(draw, pools), "position": draw(st.sampled_from(places))}

    return draw_task


def _author(people: list[Row]) -> Callable[[DrawFn], Row]:
    """Another's name is not for the viewer to see, and some authors are gone."""
    ids = [None, *(person["id"] for person in people)]
    return lambda draw: {
        "authorId": draw(st.sampled_from(ids)),
        "audience": draw(st.sampled_from(NOTE_AUDIENCES)),
    }


def _text(draw: DrawFn, pools: Pools) -> str:
    return "".join(draw(st.lists(st.sampled_from(pools.texts), min_size=1, max_size=2)))


def _moment(draw: DrawFn, pools: Pools) -> datetime:
    moment = draw(st.sampled_from(pools.moments))
    # One microsecond apart is neither a tie nor further than a millisecond's precision.
    near = draw(st.sampled_from((0, 0, 0, 1)))
    return moment if moment.year == 9999 else moment + timedelta(microseconds=near)
