"""Putting the reference's rows into a database's tables, and taking all rows out again."""

from __future__ import annotations

import time

from poutama.db.connection import Database
from poutama.schema.directives import snake_case
from poutama.schema.model import Model
from poutama.text import fold
from tests.reference.policy import Row, World
from tests.reference.school import SEARCHED

COMPUTED = ("resultUrl",)
"""Fields that Python makes of stored ones."""
EMPTY = ("delete from organisation", "delete from person", "delete from audit_entry")


async def delete_rows(database: Database) -> None:
    """Take out every row of people, groups and goals."""
    for statement in EMPTY:
        await database.write(statement, deadline=time.monotonic() + 60)


async def insert_rows(database: Database, model: Model, world: World) -> None:
    """Put in the world's rows."""
    for kind, rows in world.items():
        places: list[str] = []
        values: list[object] = []
        names: list[str] = []
        for row in rows:
            columns = as_stored(kind, row)
            names = list(columns)
            numbers = range(len(values) + 1, len(values) + len(columns) + 1)
            places.append("(" + ", ".join(f"${number}" for number in numbers) + ")")
            values.extend(columns.values())
        if rows:
            into = f"insert into {model.entities[kind].table} ({', '.join(names)})"
            await database.write(
                f"{into} values {', '.join(places)}", values, deadline=time.monotonic() + 60
            )


def as_stored(kind: str, row: Row) -> dict[str, object]:
    """The row as its table has it."""
    found = {snake_case(name): value for name, value in row.items() if name not in COMPUTED}
    for name in SEARCHED.get(kind, ()):
        found[f"{name}_search"] = fold(row[name])
    return found
