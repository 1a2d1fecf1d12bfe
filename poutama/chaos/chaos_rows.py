"""The rows that a chaos run writes: people and goals of its own, read back and removed after it.

`chaos.run` prepares them, `chaos.workload` writes more. Everything belongs to people
whose e-mail begins with `chaos-` and the run's name, at `demo.example`, so runs do not meet each
other, nor real people's rows. The statements here take no part in what is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from uuid import UUID, uuid4

from poutama.chaos.history import Found
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import ConfigurationError, DatabaseError

NO_SUCH_TABLE = "42P01"
BATCH = 1_000

_PERSON = "INSERT INTO person (id, email, name, name_search) VALUES ($1, $2, $3, lower($3))"
_GOAL = """
INSERT INTO goal (id, person_id, goal_type, title, title_search, information, information_search)
VALUES ($1, $2, 'ACADEMIC', $3, $3, '', '')
"""
_NOTES = """
SELECT g.title, n.information FROM goal_note AS n
JOIN goal AS g ON g.id = n.goal_id JOIN person AS p ON p.id = g.person_id WHERE p.email LIKE $1
"""
_VERSIONS = """
SELECT g.title, g.version FROM goal AS g JOIN person AS p ON p.id = g.person_id
WHERE p.email LIKE $1 AND g.title LIKE 'register%'
"""
_TASKS = """
SELECT g.title, t.position, t.information FROM goal_task AS t
JOIN goal AS g ON g.id = t.goal_id JOIN person AS p ON p.id = g.person_id
WHERE p.email LIKE $1 ORDER BY g.title, t.position
"""
_KEYS = """
SELECT i.key, i.written FROM idempotency_key AS i
JOIN person AS p ON p.id = i.person_id WHERE p.email LIKE $1
"""
_REMOVALS = (
    """
    DELETE FROM goal_note WHERE id IN (
        SELECT n.id FROM goal_note AS n JOIN goal AS g ON g.id = n.goal_id
        JOIN person AS p ON p.id = g.person_id WHERE p.email LIKE $1 LIMIT $2::int8
    ) RETURNING 1
    """,
    """
    DELETE FROM idempotency_key WHERE (person_id, key) IN (
        SELECT i.person_id, i.key FROM idempotency_key AS i
        JOIN person AS p ON p.id = i.person_id WHERE p.email LIKE $1 LIMIT $2::int8
    ) RETURNING 1
    """,
    # Their goals and tasks go with them.
    """
    DELETE FROM person WHERE id IN (
        SELECT id FROM person WHERE email LIKE $1 LIMIT $2::int8
    ) RETURNING 1
    """,
)


@dataclass(frozen=True, slots=True)
class OwnedGoal:
    """A goal, and the person who owns it."""

    name: str
    goal: UUID
    person: UUID


@dataclass(frozen=True, slots=True)
class ChaosRows:
    """What the clients of one run share."""

    run: str
    people: tuple[tuple[UUID, str], ...]
    notes: tuple[OwnedGoal, ...]
    """Where each writer adds its notes."""
    registers: tuple[OwnedGoal, ...]
    """Each writer's register."""
    tasks: OwnedGoal
    """The list of tasks that all writers share."""

    @property
    def all_people(self) -> str:
        """The LIKE pattern of the e-mails of the run's people."""
        return f"chaos-{self.run}-%"


def make_chaos_rows(run: str, writers: int) -> ChaosRows:
    """Make the rows for so many writers; nothing is written yet."""
    people = [(uuid4(), f"chaos-{run}-{number}@demo.example") for number in range(writers)]
    shared = (uuid4(), f"chaos-{run}-shared@demo.example")
    ids = [person for person, _ in people]
    return ChaosRows(
        run=run,
        people=(*people, shared),
        notes=tuple(OwnedGoal(f"notes {n}", uuid4(), person) for n, person in enumerate(ids)),
        registers=tuple(
            OwnedGoal(f"register {n}", uuid4(), person) for n, person in enumerate(ids)
        ),
        tasks=OwnedGoal("tasks", uuid4(), shared[0]),
    )


async def prepare(database: Database, rows: ChaosRows, *, deadline: float) -> None:
    """Write the run's people and goals.

    Raises:
        ConfigurationError: the database has no tables.
        AmbiguousCommit, DeadlineExceededError, UnavailableError: as `run_transaction`.
    """

    async def work(transaction: Transaction) -> None:
        for person, email in rows.people:
            await transaction.execute(_PERSON, person, email, "Chaos")
        for place in (*rows.notes, *rows.registers, rows.tasks):
            await transaction.execute(_GOAL, place.goal, place.person, place.name)

    try:
        await run_transaction(database, work, deadline=deadline, name="prepare")
    except DatabaseError as error:
        if error.sqlstate != NO_SUCH_TABLE:
            raise
        raise ConfigurationError("the database has no tables yet: run `poutama migrate`") from error


async def find_rows(database: Database, run: str, *, deadline: float) -> Found:
    """Everything that the run's clients have left, as of one moment.

    Raises:
        DeadlineExceededError, UnavailableError: as `run_transaction`.
    """

    async def work(transaction: Transaction) -> Found:
        all_people = f"chaos-{run}-%"
        notes: dict[str, int] = {}
        log: dict[str, list[tuple[int, str]]] = {}
        for place, text in await transaction.fetch(_NOTES, all_people):
            mark, version = read_mark(text)
            notes[mark] = notes.get(mark, 0) + 1
            if version is not None:
                log.setdefault(place, []).append((version, mark))
        tasks: dict[str, list[tuple[int, str]]] = {}
        for place, position, text in await transaction.fetch(_TASKS, all_people):
            tasks.setdefault(place, []).append((position, read_mark(text)[0]))
        return Found(
            notes=notes,
            registers=dict(map(tuple, await transaction.fetch(_VERSIONS, all_people))),
            log=log,
            tasks=tasks,
            keys={
                key: [row for returned in loads(written) for row in returned.values()]
                for key, written in await transaction.fetch(_KEYS, all_people)
            },
        )

    return await run_transaction(database, work, deadline=deadline, name="audit")


async def remove(database: Database, rows: ChaosRows, *, deadline: float) -> None:
    """Delete the run's people and all that is theirs.

    Raises:
        AmbiguousCommit, DeadlineExceededError, UnavailableError: some may be left.
    """
    for statement in _REMOVALS:
        while await database.write(statement, [rows.all_people, BATCH], deadline=deadline):
            pass


def write_mark(mark: str, version: int | None = None) -> str:
    """The text of a row that bears a mark, and a register's version."""
    return f"chaos {mark}" if version is None else f"chaos {mark} made version {version}"


def read_mark(text: str) -> tuple[str, int | None]:
    """What `write_mark` wrote; any other text is an unknown mark."""
    match text.split():
        case ["chaos", mark]:
            return mark, None
        case ["chaos", mark, "made", "version", version] if version.isdecimal():
            return mark, int(version)
        case _:
            return text, None
