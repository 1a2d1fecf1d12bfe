"""One person does not keep others waiting: few of their requests hold a connection at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.edge.http import Api, Request, Response
from poutama.edge.requests_at_once import WAITING_FOR_EACH, RequestsAtOnce
from poutama.engine import Engine
from poutama.errors import RateLimitedError
from poutama.features import load_features, load_model
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sessions import soon, until
from tests.golden.rows import ANA, BEN, fill

SETTINGS = Settings(pool_size=4, max_requests_at_once=2)
WAITING = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'poutama' AND state = 'active'
    AND wait_event_type = 'Lock'"""


class NameVerifier:
    """The token is the person's name."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        return {"Bearer ana": ANA, "Bearer ben": BEN}[str(header)]


async def healthy() -> None:
    return


@pytest_asyncio.fixture
async def api(engine_database: Database, database_url: str) -> AsyncIterator[Api]:
    await fill(engine_database)
    database = Database(SETTINGS, url=database_url)
    engine = Engine(load_model(), database, SETTINGS, load_features().procedures)
    yield Api(engine, NameVerifier(), SETTINGS, healthy)
    await database.close()


async def ask(api: Api, who: str, query: str) -> Response:
    headers = {"authorization": f"Bearer {who}", "content-type": "application/json"}
    body = json.dumps({"query": query}).encode()
    return await api.handle(Request("POST", "/graphql", "", headers, body))


async def test_ten_requests_of_one_person_do_not_keep_another_waiting(
    api: Api, database_url: str
) -> None:
    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE goal IN ACCESS EXCLUSIVE MODE")
        held = [asyncio.ensure_future(ask(api, "ana", "{ goals { id } }")) for _ in range(10)]

        async def waits() -> bool:
            await blocker.execute("SELECT pg_stat_clear_snapshot()")
            return bool(await blocker.fetchval(WAITING) == SETTINGS.max_requests_at_once)

        await until(waits)

        async with asyncio.timeout(10):
            other = await ask(api, "ben", "{ me { name } }")

        assert other.status == 200
        assert await waits()
        assert not any(each.done() for each in held)
    answers = await asyncio.gather(*held)
    await blocker.close()
    assert [each.status for each in answers] == [200] * 10


async def test_a_request_whose_turn_does_not_come_is_refused_and_takes_no_place() -> None:
    requests = RequestsAtOnce(1, wait_seconds=0)
    async with requests.take_turn(ANA.person_id, soon()):
        for _ in range(2):
            with pytest.raises(RateLimitedError, match="1 requests of yours are running") as caught:
                await take_turn(requests, ANA)
            assert caught.value.extensions == {
                "limit": "requestsAtOnce", "value": 2, "allowed": 1, "retryAfter": 1,
            }  # fmt: skip
        assert await take_turn(requests, BEN)
    assert await take_turn(requests, ANA)


async def test_of_requests_without_end_few_wait() -> None:
    requests = RequestsAtOnce(1, wait_seconds=60)
    async with requests.take_turn(ANA.person_id, soon()):
        waiting = [asyncio.ensure_future(take_turn(requests, ANA)) for _ in range(100)]
        refused, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
        assert len(refused) == 100 - WAITING_FOR_EACH
        assert all(isinstance(each.exception(), RateLimitedError) for each in refused)
        assert await take_turn(requests, BEN)
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert ended.count(True) == WAITING_FOR_EACH


async def test_without_a_limit_no_request_waits() -> None:
    requests = RequestsAtOnce(0, wait_seconds=0)
    async with requests.take_turn(ANA.person_id, soon()):
        assert await take_turn(requests, ANA)


async def take_turn(requests: RequestsAtOnce, viewer: Viewer) -> bool:
    async with requests.take_turn(viewer.person_id, soon()):
        pass
    return True
