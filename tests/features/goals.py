"""What the tests know of goals, their tasks and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from tests.features import sample
from tests.features.record import (
    MENTOR,
    NO_CALLER,
    SIGNED_IN,
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
    VisibleType,
)
from tests.features.sample import id_of, searched
from tests.reference import rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.policy import Row
from tests.strategies.drawing import Drawing, draw_new_id

GOAL, TASK = {"goalId": Id("goal")}, {"taskId": Id("task")}
NOTES = {"student": Caller.STUDENT, "mentor": Caller.MENTOR, "ended mentor": Caller.ENDED_MENTOR}


def _note_cases(**more: object) -> tuple[Case, ...]:
    return (
        Case("a note of the student", {"noteId": Id("note of the student"), **more}, STUDENT),
        Case("a note of the mentor", {"noteId": Id("note of the mentor"), **more}, MENTOR),
        Case(
            "a note of the mentor who has left",
            {"noteId": Id("note of the ended mentor"), **more},
            NO_CALLER,
        ),
    )


def _rows() -> Iterator[SampleRow]:
    goal = {
        **searched("title", "Kōrero"), **searched("information", ""), "goal_type": "CULTURAL",
        "complete": False,
    }  # fmt: skip
    yield "goal", {"id": id_of("goal"), "person_id": id_of(Caller.STUDENT), **goal}
    # In another order than they are to be brought into.
    for name, position in (("task", 1), ("task 2", 0)):
        task = {"goal_id": id_of("goal"), "complete": False, "position": position}
        yield "goal_task", {"id": id_of(name), **searched("information", name), **task}
    for name, author in NOTES.items():
        text = searched("information", f"from the {name}")
        note = {"id": id_of(f"note of the {name}"), "author_id": id_of(author)}
        if author is not Caller.STUDENT:
            note["organisation_id"] = id_of("organisation")
        yield "goal_note", {**note, "goal_id": id_of("goal"), **text}


def _find_made(doing: Doing, kind: str, input: Row, mutation: str, **mine: object) -> Row | None:
    """The row that has the input's id already, if the viewer made it, of the same goal."""
    for row in doing.all(kind, id=input["id"]) if input.get("id") else ():
        goal = None if kind == "Goal" else doing.find("Goal", row["goalId"])
        may = goal is None or doing.known[mutation].may(doing.policy, goal)
        if not may or not mine.items() <= row.items():
            raise Refused("CONFLICT")
        if not doing.policy.may_see(kind, row):
            raise Refused("NOT_FOUND")
        return row
    return None


def _values(input: Row, *others: str) -> Row:
    """What an input writes; an id that is null is none."""
    return {
        key: value
        for key, value in input.items()
        if key not in others and (key != "id" or value is not None)
    }


def _check_ids(doing: Doing, kind: str, rows: Iterable[Row]) -> None:
    ids = [row["id"] for row in rows if row.get("id") is not None]
    if len(set(ids)) < len(ids) or any(doing.all(kind, id=each) for each in ids):
        raise Refused("CONFLICT")


def _create_goal(doing: Doing, input: Row) -> Done:
    if (made := _find_made(doing, "Goal", input, "createGoal", personId=doing.viewer)) is not None:
        return about("Goal", made)
    _check_ids(doing, "GoalTask", input.get("tasks") or ())
    _check_ids(doing, "GoalNote", input.get("notes") or ())
    values = _values(input, "tasks", "notes")
    if values.get("audience") is None:
        values["audience"] = "MENTORS" if values["goalType"] == "WELLBEING" else "CAREGIVERS"
    goal = doing.add("Goal", personId=doing.viewer, **_with_tuples(values))
    for position, task in enumerate(input.get("tasks") or ()):
        doing.add("GoalTask", goalId=goal["id"], position=position, **_values(task))
    for note in input.get("notes") or ():
        doing.add("GoalNote", goalId=goal["id"], authorId=doing.viewer, **_values(note))
    doing.record("INSERT", "Goal", goal["id"], doing.viewer)
    return about("Goal", goal)


def _update_goal(doing: Doing, input: Row) -> Done:
    return doing.update("updateGoal", "Goal", _with_tuples(input), "goalId")


def _with_tuples(input: Row) -> Row:
    """The input, with ids as the world has them."""
    found = input.get("organisationIds")
    return input if found is None else {**input, "organisationIds": tuple(found)}


def _delete_goal(doing: Doing, input: Row) -> Done:
    goal = doing.changeable("deleteGoal", "Goal", input, "goalId")
    # What others wrote goes with it, and leaves an entry of its own.
    for kind, author in (("GoalNote", "authorId"), ("Evidence", "uploaderId")):
        for row in doing.all(kind, goalId=goal["id"]):
            if row[author] != doing.viewer:
                doing.record("DELETE", kind, row["id"], goal["personId"], about=row)
    doing.lose("Evidence", "goalId", goal)
    for note in doing.all("GoalNote", goalId=goal["id"]):
        doing.lose("Evidence", "noteId", note)
    for kind in ("GoalTask", "GoalNote", "Reminder"):
        doing.remove(kind, *doing.all(kind, goalId=goal["id"]))
    return doing.delete("Goal", goal, owner=("Person", goal["personId"]))


def _create_goal_task(doing: Doing, input: Row) -> Done:
    same = {"goalId": input["goalId"]}
    if (made := _find_made(doing, "GoalTask", input, "createGoalTask", **same)) is not None:
        return about("GoalTask", made)
    goal = doing.permitted("createGoalTask", doing.find("Goal", input["goalId"]))
    taken = [each["position"] for each in doing.all("GoalTask", goalId=goal["id"])]
    task = doing.add("GoalTask", position=max(taken, default=-1) + 1, **_values(input))
    doing.record("INSERT", "GoalTask", task["id"], doing.viewer)
    return about("GoalTask", task)


def _update_goal_task(doing: Doing, input: Row) -> Done:
    return doing.update("updateGoalTask", "GoalTask", input, "taskId")


def _delete_goal_task(doing: Doing, input: Row) -> Done:
    return _delete_tasks(doing, lambda: _remove_goal_task(doing, input))


def _delete_goal_tasks(doing: Doing, input: Row) -> Done:
    """However many go, what stays moves once: a version that was seen before counts for all."""
    return _delete_tasks(doing, lambda: doing.one_by_one(_remove_goal_task, input["inputs"]))


def _remove_goal_task(doing: Doing, input: Row) -> Done:
    task = doing.changeable("deleteGoalTask", "GoalTask", input, "taskId")
    return doing.delete("GoalTask", task, goal=("Goal", task["goalId"]))


def _delete_tasks(doing: Doing, delete: Callable[[], Done]) -> Done:
    """Delete, and move each task that stays up by as many as went before it."""
    before = list(doing.all("GoalTask"))
    done = delete()
    left = doing.all("GoalTask")
    gone = [task for task in before if task["id"] not in {each["id"] for each in left}]
    moves = {
        task["id"]: sum(
            (each["goalId"] == task["goalId"]) and each["position"] < task["position"]
            for each in gone
        )
        for task in left
    }
    for task in left:
        if moves[task["id"]]:
            doing.touch(task, position=task["position"] - moves[task["id"]])
    return done


def _reorder_goal_tasks(doing: Doing, input: Row) -> Done:
    goal = doing.permitted("reorderGoalTasks", doing.find("Goal", input["goalId"]))
    tasks = {each["id"]: each for each in doing.all("GoalTask", goalId=goal["id"])}
    if sorted(input["taskIds"]) != sorted(tasks):
        raise Refused("BAD_USER_INPUT")
    for position, id_ in enumerate(input["taskIds"]):
        if tasks[id_]["position"] != position:
            doing.touch(tasks[id_], position=position)
            doing.record("UPDATE", "GoalTask", id_, goal["personId"])
    return about("Goal", goal)


def _create_goal_note(doing: Doing, input: Row) -> Done:
    same = {"goalId": input["goalId"], "authorId": doing.viewer}
    if (made := _find_made(doing, "GoalNote", input, "createGoalNote", **same)) is not None:
        return about("GoalNote", made)
    goal = doing.permitted("createGoalNote", doing.find("Goal", input["goalId"]))
    wrote = min(doing.policy.organisations_that_see(goal), default=None)
    if wrote is None and input.get("audience") == "STAFF":
        raise Refused("NOT_FOUND")
    note = doing.add("GoalNote", authorId=doing.viewer, organisationId=wrote, **_values(input))
    doing.record("INSERT", "GoalNote", note["id"], goal["personId"], about=note)
    return about("GoalNote", note)


def _update_goal_note(doing: Doing, input: Row) -> Done:
    note = doing.find("GoalNote", input["noteId"])
    # No author hides a note from themselves.
    after = note | {key: input[key] for key in ("audience",) if key in input}
    if not doing.policy.may_see("GoalNote", after):
        raise Refused("NOT_FOUND")
    return doing.update("updateGoalNote", "GoalNote", input, "noteId")


def _delete_goal_note(doing: Doing, input: Row) -> Done:
    note = doing.changeable("deleteGoalNote", "GoalNote", input, "noteId")
    doing.lose("Evidence", "noteId", note)
    return doing.delete("GoalNote", note, goal=("Goal", note["goalId"]))


def _draw_due_at(drawing: Drawing) -> datetime | None:
    due: datetime | None = drawing.choose(None, *(row["dueAt"] for row in drawing.world["Goal"]))
    return due


def _draw_task_ids(drawing: Drawing) -> list[Any]:
    tasks = [row["id"] for row in drawing.world["GoalTask"]]
    return [drawing.choose(*tasks) for _ in range(drawing.choose(0, 1, 2)) if tasks]


def _draw_organisation_ids(drawing: Drawing) -> list[Any] | None:
    places = [row["id"] for row in drawing.world["Organisation"]]
    chosen = [drawing.choose(*places) for _ in range(drawing.choose(0, 1, 2))]
    return drawing.choose(None, chosen, chosen)


def _agree_on_tasks(drawing: Drawing, input: Row) -> Row:
    tasks = [row["id"] for row in drawing.world["GoalTask"] if row["goalId"] == input["goalId"]]
    return {**input, "taskIds": list(drawing.draw(st.permutations(tasks)))}


SINGLE = (
    MutationRecord(
        name="createGoal",
        cases=(Case("a goal of one's own", {"goalType": "SPORTS", "title": "Run"}, SIGNED_IN),),
        may=rights.any_person,
        does=_create_goal,
    ),
    MutationRecord(
        name="updateGoal",
        cases=(Case("the student's goal", {**GOAL, "title": "Run"}, STUDENT),),
        may=rights.the_student,
        does=_update_goal,
    ),
    MutationRecord(
        name="deleteGoal",
        cases=(Case("the student's goal", GOAL, STUDENT),),
        may=rights.the_student,
        does=_delete_goal,
    ),
    MutationRecord(
        name="createGoalTask",
        cases=(Case("the student's goal", {**GOAL, "information": "Run"}, STUDENT),),
        may=rights.the_student,
        does=_create_goal_task,
    ),
    MutationRecord(
        name="updateGoalTask",
        cases=(Case("a task of the student", {**TASK, "complete": True}, STUDENT),),
        may=rights.the_student,
        does=_update_goal_task,
    ),
    MutationRecord(
        name="deleteGoalTask",
        cases=(Case("a task of the student", TASK, STUDENT),),
        may=rights.the_student,
        does=_delete_goal_task,
    ),
    MutationRecord(
        name="reorderGoalTasks",
        cases=(
            Case("the student's goal", {**GOAL, "taskIds": [Id("task"), Id("task 2")]}, STUDENT),
        ),
        may=rights.the_student,
        does=_reorder_goal_tasks,
        agree=_agree_on_tasks,
    ),
    MutationRecord(
        name="createGoalNote",
        cases=(
            Case(
                "the student's goal",
                {**GOAL, "information": "Well done"},
                STUDENT | MENTOR,
            ),
            Case(
                "the student's goal, for staff",
                {**GOAL, "information": "Talk to them", "audience": "STAFF"},
                MENTOR,
            ),
        ),
        may=rights.who_helps,
        does=_create_goal_note,
    ),
    MutationRecord(
        name="updateGoalNote",
        cases=_note_cases(information="?"),
        may=rights.who_wrote_it,
        does=_update_goal_note,
    ),
    MutationRecord(
        name="deleteGoalNote",
        cases=_note_cases(),
        may=rights.who_wrote_it,
        does=_delete_goal_note,
    ),
)

SEVERAL = (
    "createGoal", "updateGoal", "deleteGoal", "createGoalTask", "updateGoalTask",
    "createGoalNote", "updateGoalNote", "deleteGoalNote",
)  # fmt: skip
MUTATIONS = (
    *SINGLE,
    *(each.for_several(f"{each.name}s") for each in SINGLE if each.name in SEVERAL),
    *(
        each.for_several("deleteGoalTasks", _delete_goal_tasks)
        for each in SINGLE
        if each.name == "deleteGoalTask"
    ),
)

ONLY = "(filter: { id: { eq: $id } })"

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    ids={"goalId": "Goal", "taskId": "GoalTask", "noteId": "GoalNote"},
    values={
        "id": draw_new_id("Goal", "GoalTask", "GoalNote"),
        "title": ("Run", "Āe"),
        "information": ("Ka pai", "a"),
        "complete": (True, False),
        "color": ("#3366cc", None),
        "dueAt": _draw_due_at,
        "taskIds": _draw_task_ids,
        "organisationIds": _draw_organisation_ids,
        "expectedVersion": (1, 1, 2, None),
    },
    shown={
        "Goal": VisibleType(sample.GOAL, "goals(goalId: $id, filter: {}) %"),
        "GoalTask": VisibleType(
            f"{{ id goal {sample.GOAL} }}",
            f"goals(goalId: $goal, filter: {{}}) {{ tasks{ONLY} % }}",
        ),
        "GoalNote": VisibleType(
            f"{{ id author {sample.PERSON} goal {sample.GOAL} }}",
            f"goals(goalId: $goal, filter: {{}}) {{ notes{ONLY} % }}",
        ),
    },
)
