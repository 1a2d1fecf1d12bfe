"""The demo school: the same on every machine, and shaped like a school."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest

from poutama.demo.demo_memberships import (
    write_group,
    write_leaders,
    write_learning,
    write_mentoring,
    write_organisations,
)
from poutama.demo.group_assignment import (
    DAY,
    EVENING,
    STUDENTS_A_MENTOR,
    Group,
    MembershipState,
    groups_of,
    has_caregiver,
    membership_state_of,
    mentor_of,
    mentors_of,
)
from poutama.demo.school import (
    COLUMNS,
    SchoolRows,
    mentor_email,
    person_id,
    student_email,
    write_adult,
    write_student,
)
from poutama.text import fold

STUDENTS = 400


@pytest.fixture(scope="module")
def rows() -> SchoolRows:
    rows = SchoolRows()
    write_organisations(rows)
    write_leaders(rows)
    for number in range(1, STUDENTS + 1):
        write_student(rows, number)
        write_learning(rows, number)
    for mentor in mentors_of(1, STUDENTS):
        write_group(rows, Group(DAY, mentor))
        write_mentoring(rows, mentor)
    return rows


def column(rows: SchoolRows, table: str, name: str) -> list[object]:
    return [row[COLUMNS[table].index(name)] for row in dict(rows.tables())[table]]


def test_the_first_rows_are_what_they_always_were() -> None:
    rows = SchoolRows()
    write_adult(rows, "admin@demo.example")
    write_organisations(rows)
    write_group(rows, Group(DAY, 1))
    write_leaders(rows)
    write_mentoring(rows, 1)
    for number in range(1, 31):
        write_student(rows, number)
        write_learning(rows, number)
    words = repr([(table, values) for table, values in rows.tables()])
    assert sha256(words.encode()).hexdigest() == (
        "bbd103f83e49949fc9d748263936ca3c449d197cf5f5fc984c7e2354f3efbec1"
    ), "the demo school changed: say so in the CHANGELOG, then renew the digest"


def test_a_student_does_not_depend_on_the_others(rows: SchoolRows) -> None:
    alone = SchoolRows()
    write_student(alone, 7)
    assert alone.person == [rows.person[6]]
    owner = alone.person[0][0]
    assert alone.goal == [goal for goal in rows.goal if goal[1] == owner]


def test_ids_are_uuid5_of_names() -> None:
    school = uuid5(NAMESPACE_DNS, "demo.example")
    assert person_id("admin@demo.example") == uuid5(school, "admin@demo.example")


def test_ids_are_unique_and_children_have_parents(rows: SchoolRows) -> None:
    for table, values in rows.tables():
        assert len(set(column(rows, table, "id"))) == len(values)
    assert set(column(rows, "goal", "person_id")) <= set(column(rows, "person", "id"))
    goals = set(column(rows, "goal", "id"))
    assert set(column(rows, "goal_task", "goal_id")) <= goals
    assert set(column(rows, "goal_note", "goal_id")) <= goals


def test_the_first_student_is_the_dashboard_that_is_measured(rows: SchoolRows) -> None:
    first = person_id("student-0001@demo.example")
    goals = [goal[0] for goal in rows.goal if goal[1] == first]
    tasks = Counter(column(rows, "goal_task", "goal_id"))
    notes = Counter(column(rows, "goal_note", "goal_id"))
    assert [(tasks[goal], notes[goal]) for goal in goals] == [(5, 3)] * 12


def test_every_note_has_an_author_and_a_few_are_the_mentors(rows: SchoolRows) -> None:
    owners = {goal[0]: goal[1] for goal in rows.goal}
    numbers = {person[0]: number for number, person in enumerate(rows.person, 1)}
    others = 0
    for note in rows.goal_note:
        owner, author = owners[note[1]], note[-1]
        if author != owner:
            others += 1
            mentor = mentor_of(numbers[owner])
            assert mentor is not None
            assert author == person_id(mentor_email(mentor))
    assert 0.05 < others / len(rows.goal_note) < 0.2


def test_a_student_has_no_mentor_in_a_class_they_are_not_in() -> None:
    assert [mentor_of(number) for number in (1, 25, 26, 50)] == [1, 1, 2, 2]
    assert [mentor_of(number) for number in (8, 10, 17, 29, 40)] == [None] * 5


def test_every_tenth_student_is_in_the_evening_school_and_every_25th_in_both() -> None:
    schools = {n: [group.organisation for group in groups_of(n)] for n in range(1, 501)}
    both, evening = [DAY, EVENING], [EVENING]
    for number, found in schools.items():
        assert found == (both if number % 25 == 0 else evening if number % 10 == 0 else [DAY])
    assert groups_of(250) == [Group(DAY, 10), Group(EVENING, 1)]
    assert groups_of(260) == [Group(EVENING, 2)]


def test_a_few_memberships_do_not_count_but_never_those_that_others_lean_on() -> None:
    states = Counter(membership_state_of(number) for number in range(1, STUDENTS + 1))
    assert {states[state] for state in MembershipState} - {states[MembershipState.CURRENT]} == {10}
    leaned_on = [n for n in range(1, STUDENTS + 1) if has_caregiver(n) or n % 10 == 0]
    assert {membership_state_of(number) for number in leaned_on} == {MembershipState.CURRENT}
    assert 1 in leaned_on


def test_join_codes_are_those_of_the_page() -> None:
    assert Group(DAY, 1).join_code == "CLASS-01"
    assert Group(EVENING, 12).join_code == "EVENING-12"


def test_goals_are_skewed_as_in_a_school(rows: SchoolRows) -> None:
    owned = Counter(column(rows, "goal", "person_id"))
    counts = [owned[person[0]] for person in rows.person]
    assert min(counts) == 0
    assert max(counts) == 60
    assert sorted(counts)[STUDENTS // 2] in range(8, 13)
    assert counts.count(2) > STUDENTS * 0.05
    assert 4 < len(rows.goal_task) / len(rows.goal) < 5
    assert 2.7 < len(rows.goal_note) / len(rows.goal) < 3.5


def test_some_goals_are_done_some_have_no_date_and_some_are_late(rows: SchoolRows) -> None:
    done = column(rows, "goal", "complete")
    due = column(rows, "goal", "due_at")
    assert 0.35 < done.count(True) / len(done) < 0.45
    assert 0.15 < due.count(None) / len(due) < 0.25
    summer = datetime(2026, 12, 1, tzinfo=UTC)
    dated = [(day, ready) for day, ready in zip(due, done, strict=True) if day is not None]
    assert any(isinstance(day, datetime) and day < summer and not ready for day, ready in dated)
    assert any(isinstance(day, datetime) and day > summer for day, _ in dated)


def test_nothing_is_due_or_changed_before_it_was_made(rows: SchoolRows) -> None:
    for table, values in rows.tables():
        made = COLUMNS[table].index("created_at")
        assert all(row[made] <= row[made + 1] for row in values)  # type: ignore[operator]
    due = COLUMNS["goal"].index("due_at")
    made = COLUMNS["goal"].index("created_at")
    assert all(goal[due] is None or goal[made] < goal[due] for goal in rows.goal)  # type: ignore[operator]


def test_some_goals_share_their_moment_of_creation(rows: SchoolRows) -> None:
    moments = Counter((goal[1], goal[-2]) for goal in rows.goal)
    assert max(moments.values()) > 1


def test_a_changed_row_has_a_later_version(rows: SchoolRows) -> None:
    for table in ("goal", "goal_task", "goal_note"):
        index = COLUMNS[table].index("version")
        for row in dict(rows.tables())[table]:
            assert (row[index] == 1) == (row[index + 1] == row[index + 2])


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("goal", "title"),
        ("goal", "information"),
        ("goal_task", "information"),
        ("goal_note", "information"),
    ],
)
def test_what_is_searched_is_the_fold_of_what_is_read(
    rows: SchoolRows, table: str, name: str
) -> None:
    texts = [str(text) for text in column(rows, table, name)]
    assert column(rows, table, f"{name}_search") == [fold(text) for text in texts]
    assert all(unicodedata.is_normalized("NFC", text) and "\0" not in text for text in texts)


@pytest.mark.parametrize("part", ["ā", "🎯", '"', "\n", "\\", "'", "“", "%"])
def test_texts_have_what_tends_to_break(rows: SchoolRows, part: str) -> None:
    texts = [
        str(row[3 if table == "goal" else 2]) + str(row[5])
        for table, values in rows.tables()
        for row in values
        if table in ("goal", "goal_task", "goal_note")
    ]
    assert any(part in text for text in texts)


def test_texts_are_short_and_long(rows: SchoolRows) -> None:
    lengths = [len(str(text)) for text in column(rows, "goal", "information")]
    assert min(lengths) == 0
    assert max(lengths) > 3_000


def test_colours_are_hexadecimal_or_absent(rows: SchoolRows) -> None:
    colors = set(column(rows, "goal", "color"))
    assert None in colors
    for color in colors - {None}:
        assert len(str(color)) == 7
        assert int(str(color).removeprefix("#"), 16) >= 0


def test_numbers_in_emails_have_four_digits_or_more() -> None:
    assert student_email(42) == "student-0042@demo.example"
    assert student_email(1_000_000) == "student-1000000@demo.example"


@pytest.mark.parametrize("size", [1, 25, 26, 250, 333])
def test_every_mentor_has_twenty_five_students_and_comes_once(size: int) -> None:
    mentors = [
        mentor
        for first in range(1, size + 1, 50)
        for mentor in mentors_of(first, min(first + 49, size))
    ]
    assert mentors == list(range(1, -(-size // STUDENTS_A_MENTOR) + 1))


def test_rows_have_a_value_for_every_column(rows: SchoolRows) -> None:
    for table, values in rows.tables():
        assert {len(row) for row in values} == {len(COLUMNS[table])}
        assert all(isinstance(row[0], UUID) for row in values)


def test_the_first_student_keeps_one_goal_to_themselves_and_wellbeing_from_caregivers(
    rows: SchoolRows,
) -> None:
    audiences = column(rows, "goal", "audience")
    (place,) = (place for place, audience in enumerate(audiences) if audience == "ME")
    assert rows.goal[place][1] == person_id("student-0001@demo.example")
    kinds = zip(column(rows, "goal", "goal_type"), audiences, strict=True)
    assert all((kind == "WELLBEING") == (to == "MENTORS") for kind, to in kinds if to != "ME")
