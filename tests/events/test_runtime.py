"""Packaged functions under AWS's own runtime client: cold, warm, frozen, late and killed."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from tests.events.cloud import Cloud, recorded
from tests.events.conftest import fill
from tests.events.runtime import FunctionError, ProcessEndedError, TimedOutError

GOALS = "{ goals(first: 2) { title tasks { information } } }"
ADD = """
mutation ($title: String!) {
  createGoal(input: {goalType: ACADEMIC, title: $title, information: ""}) { goal { id title } }
}
"""
SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'poutama' AND datname = current_database()
"""


async def test_a_cold_function_answers_and_a_warm_one_keeps_its_only_connection(
    cloud: Cloud, school_url: str, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("skipped: only PostgreSQL lists the sessions of one database")
    api = cloud.open("api")
    # GIVEN several events of each shape
    for event in ("http_api_post", "http_api_get", "function_url_post") * 2:
        answer = cloud.ask(api, GOALS, event=event)
        # THEN each is answered
        assert (answer["statusCode"], len(answer["body"]["data"]["goals"])) == (200, 2)
    # by one process, over one connection
    assert api.starts == 1
    connection = await asyncpg.connect(school_url)
    try:
        assert await connection.fetchval(SESSIONS) == 1
    finally:
        await connection.close()


def test_a_request_without_a_signed_token_is_refused(cloud: Cloud) -> None:
    api = cloud.open("api")
    event = recorded("http_api_post")
    event["body"] = json.dumps({"query": GOALS})

    assert api.invoke(event)["statusCode"] == 401
    health = {**recorded("http_api_get"), "rawPath": "/healthz"}
    assert api.invoke(health)["body"] == '{"status":"ok"}'


def test_an_event_of_an_unknown_shape_is_an_answer_and_a_line_in_the_log(cloud: Cloud) -> None:
    api = cloud.open("api")

    assert api.invoke(recorded("rest_api_post"))["statusCode"] == 400
    assert "payload format 2.0" in api.logged()
    assert api.invoke({**recorded("http_api_get"), "rawPath": "/healthz"})["statusCode"] == 200
    assert api.starts == 1


def test_a_function_that_is_not_configured_says_so_and_ends(cloud: Cloud) -> None:
    api = cloud.open("api", POUTAMA_ISSUERS="")

    with pytest.raises(FunctionError, match="ConfigurationError: POUTAMA_ISSUERS"):
        api.invoke(recorded("http_api_post"))
    assert api.process is not None
    assert api.process.wait(30) == 1


def test_a_function_goes_on_from_a_snapshot(cloud: Cloud) -> None:
    api = cloud.open("api", AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")

    assert cloud.ask(api, GOALS)["statusCode"] == 200


@pytest.fixture
def own_server(data_folder: Path) -> Any:
    server = EmbeddedServer(data_folder / "postgres", durable=False)
    server.start()
    yield server
    server.discard()


def test_a_frozen_function_finds_a_restarted_database(
    own_server: EmbeddedServer, open_cloud: Callable[[str], Cloud]
) -> None:
    migrate(own_server.url)
    fill(own_server.url)
    cloud = open_cloud(own_server.url)
    api = cloud.open("api")
    assert cloud.ask(api, GOALS)["statusCode"] == 200
    assert api.process is not None
    # GIVEN it is frozen, and its connection dies meanwhile
    api.process.send_signal(signal.SIGSTOP)
    own_server.kill()
    own_server.start()
    # WHEN it is thawed
    api.process.send_signal(signal.SIGCONT)
    # THEN reads and writes go on, in the same process
    assert cloud.ask(api, ADD, title="Thawed")["body"]["data"]["createGoal"]["goal"]
    assert cloud.ask(api, GOALS)["statusCode"] == 200
    assert api.starts == 1


async def test_a_request_that_takes_too_long_is_answered_before_it_would_be_cut_off(
    cloud: Cloud, school_url: str, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("skipped: CockroachDB locks no tables")
    api = cloud.open("api", seconds=4.0)
    cloud.ask(api, GOALS)
    # GIVEN another session holds what the request needs
    other = await asyncpg.connect(school_url)
    try:
        await other.execute("BEGIN; LOCK TABLE goal IN ACCESS EXCLUSIVE MODE")
        late = cloud.ask(api, ADD, title="Late")
    finally:
        await other.close()
    # THEN the answer says so, and nothing was written
    assert late["statusCode"] == 504
    assert late["body"]["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
    # and the same process answers the next
    found = cloud.ask(api, '{ goals(filter: {title: {eq: "Late"}}) { id } }')
    assert found["body"] == {"data": {"goals": []}}
    assert api.starts == 1


def test_a_process_that_does_not_answer_is_replaced(cloud: Cloud) -> None:
    api = cloud.open("api", seconds=3.0)
    cloud.ask(api, GOALS)
    assert api.process is not None
    api.process.send_signal(signal.SIGSTOP)

    with pytest.raises(TimedOutError):
        cloud.ask(api, GOALS)
    assert cloud.ask(api, GOALS)["statusCode"] == 200
    assert api.starts == 2


def test_a_process_that_is_killed_for_its_memory_is_replaced(cloud: Cloud) -> None:
    api = cloud.open("api")
    cloud.ask(api, GOALS)

    def kill() -> None:
        assert api.process is not None
        api.process.kill()

    with pytest.raises(ProcessEndedError, match="-9"):
        cloud.ask(api, GOALS, meanwhile=kill)
    assert cloud.ask(api, GOALS)["statusCode"] == 200
    assert api.starts == 2
