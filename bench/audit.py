"""What the audit costs a mentor: `python -m bench.audit`. The same statements with and without it.

A mentor of the demo school with a group of 30 reads the class list, a screen with the students'
goals, and searches their goals. Each statement is run with and without its audit in turns, by the
driver, as a visit that goes on: the entries of the quarter of an hour are there, and 300,000 from
before. `--explain`
prints the plans. The database is private and deleted afterwards; `docs/bench.md` has the figures.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated
from unittest.mock import patch

import asyncpg
import typer

from bench.environment import STUDENTS
from bench.recording import SESSION, RecordingDatabase
from bench.workload import Query
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.demo.loader import make_demo
from poutama.demo.school import mentor_email, person_id
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.plan import passes
from poutama.plan.audit_marks import mark_traces
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

GROUP_SIZE = 30
MENTOR = person_id(mentor_email(1))
DOCUMENTS = {
    "class list": "{ groups { name members { role person { name } } } }",
    "class with goals": "{ groups { name members { person { name goals { title complete dueAt"
    " tasks { complete } } } } } }",
    "search": '{ groups { members(filter: { person: { goals: { some: { title: { contains: "e" } }'
    " } } }) { person { name } } } }",
}
ENLARGE = """
INSERT INTO membership (id, organisation_id, group_id, person_id, role, source, accepted_at)
SELECT gen_random_uuid(), g.organisation_id, g.id, p.person_id, 'STUDENT', 'ROSTER', now()
FROM (
    SELECT m.organisation_id, m.group_id AS id, count(s.id) AS students
    FROM membership AS m JOIN membership AS s ON s.group_id = m.group_id AND s.role = 'STUDENT'
    WHERE m.person_id = $1::uuid AND m.role = 'MENTOR'
    GROUP BY m.organisation_id, m.group_id ORDER BY count(s.id) DESC, m.group_id LIMIT 1
) AS g JOIN LATERAL (
    SELECT DISTINCT o.person_id FROM membership AS o
    WHERE o.organisation_id = g.organisation_id AND o.role = 'STUDENT' AND NOT EXISTS (
        SELECT 1 FROM membership AS i WHERE i.group_id = g.id AND i.person_id = o.person_id
    )
    ORDER BY o.person_id LIMIT greatest($2::int8 - g.students, 0)
) AS p ON true
"""
BEFORE = """
INSERT INTO audit_entry (id, at, actor_id, actor_name, subject_id, action, kind, organisation_id,
    organisation_name, actor_role)
SELECT gen_random_uuid(), now() - interval '16 minutes' - n * interval '7 seconds',
    CASE WHEN n % 20 = 0 THEN $1::uuid ELSE md5('actor' || n % 200)::uuid END, 'Mentor', p.id,
    'READ', CASE WHEN n % 2 = 0 THEN 'Person' ELSE 'Membership' END, o.id, o.name, 'MENTOR'
FROM generate_series(1, 1000) AS n, (SELECT id FROM person ORDER BY id LIMIT 300) AS p,
    (SELECT id, name FROM organisation ORDER BY id LIMIT 1) AS o
"""


async def record(settings: Settings, url: str, document: str, *, audited: bool) -> Query:
    """The statement of a document, with its audit or without."""
    kept = tuple(each for each in passes.PASSES if audited or each is not mark_traces)
    database = RecordingDatabase(settings, url=url)
    engine = Engine(load_model(), database, settings, load_features().procedures)
    with patch.object(passes, "PASSES", kept):
        answer = await engine.execute(
            GraphQLRequest(document), Viewer(MENTOR), deadline=time.monotonic() + 60
        )
    await database.close()
    if answer.status != 200:
        raise RuntimeError(f"not answered with data: {answer.body[:500]!r}")
    (query,) = database.queries
    return query


async def open_session(settings: Settings, url: str) -> asyncpg.Connection:
    """A connection with the settings of the API's own."""
    database = RecordingDatabase(settings, url=url)
    rows = await database.read(SESSION, deadline=time.monotonic() + 60)
    await database.close()
    return await asyncpg.connect(url, server_settings={row["name"]: row["setting"] for row in rows})


async def compare(
    connection: asyncpg.Connection, queries: Sequence[Query], rounds: int
) -> list[float]:
    """The median seconds of each statement, run in turns."""
    prepared = [await connection.prepare(query.text) for query in queries]
    taken: list[list[float]] = [[] for _ in queries]
    for round_ in range(rounds + 20):
        for place, (statement, query) in enumerate(zip(prepared, queries, strict=True)):
            started = time.perf_counter()
            await statement.fetch(*query.args)
            if round_ >= 20:  # plans are generic from then on
                taken[place].append(time.perf_counter() - started)
    return [median(each) for each in taken]


async def run(url: str, rounds: int, *, explain: bool) -> None:
    """Compare each document with itself, without its audit."""
    await make_demo(url, students=STUDENTS)
    for rendering in ("json", "rows"):
        settings = Settings(rendering=rendering)
        connection = await open_session(settings, url)
        if rendering == "json":
            await connection.execute(ENLARGE, MENTOR, GROUP_SIZE)
            await connection.execute(BEFORE, MENTOR)
            await connection.execute("VACUUM ANALYZE")
        for name, document in DOCUMENTS.items():
            queries = [
                await record(settings, url, document, audited=audited) for audited in (True, False)
            ]
            audited, plain = await compare(connection, queries, rounds)
            print(
                f"{name} ({rendering}): {1e3 * plain:.2f} ms without, {1e3 * audited:.2f} ms with"
                f" the audit, ratio {audited / plain:.2f}",
                flush=True,
            )
            if explain and rendering == "json":
                text = f"EXPLAIN (ANALYZE, BUFFERS) {queries[0].text}"
                for row in await connection.fetch(text, *queries[0].args):
                    print("  ", row[0])
        await connection.close()


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 300,
    explain: Annotated[bool, typer.Option()] = False,
) -> None:
    """Print how long a mentor's reads take with the audit and without."""
    with tempfile.TemporaryDirectory(prefix="poutama-bench-") as folder:
        server = EmbeddedServer(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            migrate(server.url)
            asyncio.run(run(server.url, rounds, explain=explain))
        finally:
            server.discard()


if __name__ == "__main__":
    typer.run(main)
