"""Jobs as people read and stop them."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.jobs.job import Empty, Finished, JobFailedError, RowError
from poutama.jobs.table import enqueue
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from tests.db.job_harness import CountStep, JobHarness, Returned, counting
from tests.db.sample_people import fill, viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS

JOB = """
query ($job: UUID!) {
  job(jobId: $job) {
    kind state done total attempts failure cancelRequested resultUrl finishedAt retryAfter
    person { name } organisation { name } subject { name }
    rowErrors { file line field code message }
    rowErrorsConnection(first: 1) { totalCount nodes { line } }
  }
}
"""
ERROR = {"file": "users.csv", "line": 7, "field": "email", "code": "MISSING", "message": "?"}


def sign(key: str, name: str, media_type: str) -> str:
    return f"https://files.example/{key}?{name}&{media_type}"


@pytest.fixture(params=RENDERINGS)
def engine(request: pytest.FixtureRequest, shop: JobHarness) -> Engine:
    settings = Settings(rendering=request.param)
    return Engine(
        load_model(),
        shop.database,
        settings,
        load_features().procedures,
        computed=lambda _: {"download_url": sign, **load_features().computed},
    )


async def ask(engine: Engine, caller: Caller, document: str, **variables: Any) -> Any:
    answer = await engine.execute(
        GraphQLRequest(document, variables=variables),
        viewer_for(caller),
        deadline=time.monotonic() + 60,
    )
    return json.loads(answer.body)


async def imported(shop: JobHarness, database: Database) -> UUID:
    """What the manager asked for in the organisation, done."""

    async def work(transaction: Transaction) -> UUID:
        return await enqueue(
            transaction,
            "IMPORT",
            person_id=id_of(Caller.MANAGER),
            organisation_id=id_of("organisation"),
            input=Empty(),
        )

    async def step(step: CountStep) -> Returned:
        errors = [RowError(**ERROR), RowError(**{**ERROR, "line": 9})]  # type: ignore[arg-type]
        return Finished(
            done=2,
            errors=errors,
            result_key="k/1",
            result_name="report.csv",
            result_type="text/csv",
        )

    shop.kinds["IMPORT"] = counting(step)
    job = await run_transaction(database, work, deadline=soon())
    assert await shop.run(job) == "SUCCEEDED"
    return job


async def test_a_job_tells_all_about_itself(shop: JobHarness, engine: Engine) -> None:
    await fill(shop.database)
    job = await imported(shop, shop.database)
    data = (await ask(engine, Caller.ADMIN, JOB, job=str(job)))["data"]["job"]
    assert data.pop("finishedAt").endswith("Z")
    assert data == {
        "kind": "IMPORT",
        "state": "SUCCEEDED",
        "done": 2,
        "total": None,
        "attempts": 0,
        "failure": None,
        "cancelRequested": False,
        "resultUrl": "https://files.example/k/1?report.csv&text/csv",
        "retryAfter": None,
        "person": {"name": "manager"},
        "organisation": {"name": "organisation"},
        "subject": None,
        "rowErrors": [ERROR, {**ERROR, "line": 9}],
        "rowErrorsConnection": {"totalCount": 2, "nodes": [{"line": 7}]},
    }


async def test_a_job_is_seen_by_its_requester_and_by_admins(
    shop: JobHarness, engine: Engine
) -> None:
    await fill(shop.database)
    job = await imported(shop, shop.database)
    seen = set()
    for caller in Caller:
        answer = await ask(engine, caller, JOB, job=str(job))
        if caller is Caller.ANONYMOUS:
            assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        elif answer["data"]["job"] is not None:
            seen.add(caller)
    assert seen == {Caller.MANAGER, Caller.ADMIN}


async def test_who_requested_it_sees_no_more_of_an_organisations_file_than_others(
    shop: JobHarness, engine: Engine
) -> None:
    """Requested as an administrator, read as the manager that is left of them."""
    await fill(shop.database)
    job = await imported(shop, shop.database)
    data = (await ask(engine, Caller.MANAGER, JOB, job=str(job)))["data"]["job"]
    assert (data["state"], data["resultUrl"], data["rowErrors"]) == ("SUCCEEDED", None, [])
    assert data["rowErrorsConnection"] == {"totalCount": 0, "nodes": []}


ABOUT = "query ($job: UUID!) { job(jobId: $job) { resultUrl } }"


@pytest.mark.parametrize(
    ("asker", "is_shown"),
    [
        (Caller.STUDENT, True),
        (Caller.MENTOR, True),
        (Caller.CAREGIVER, True),
        (Caller.ENDED_MENTOR, False),
        (Caller.OTHER_ADMIN, False),
    ],
)
async def test_a_result_is_only_for_who_may_still_see_whom_it_is_about(
    shop: JobHarness, engine: Engine, asker: Caller, is_shown: bool
) -> None:
    await fill(shop.database)

    async def work(transaction: Transaction) -> UUID:
        person, student = id_of(asker), id_of(Caller.STUDENT)
        return await enqueue(
            transaction, "COPY", person_id=person, subject_id=student, input=Empty()
        )

    async def step(step: CountStep) -> Returned:
        return Finished(result_key="k", result_name="n", result_type="t")

    shop.kinds["COPY"] = counting(step)
    job = await run_transaction(shop.database, work, deadline=soon())
    assert await shop.run(job) == "SUCCEEDED"
    data = (await ask(engine, asker, ABOUT, job=str(job)))["data"]["job"]
    assert (data["resultUrl"] is not None) == is_shown


async def test_people_list_their_own_jobs_and_admins_their_organisation_s(
    shop: JobHarness, engine: Engine
) -> None:
    await fill(shop.database)
    job = await imported(shop, shop.database)
    own = "{ jobs { id state } }"
    mine = await ask(engine, Caller.MANAGER, own)
    assert mine["data"]["jobs"] == [{"id": str(job), "state": "SUCCEEDED"}]
    assert (await ask(engine, Caller.ADMIN, own))["data"]["jobs"] == []
    all_of_them = """
    query ($of: UUID!) { organisation(organisationId: $of) { jobsConnection { nodes { id } } } }
    """
    listed = await ask(engine, Caller.ADMIN, all_of_them, of=str(id_of("organisation")))
    found = {node["id"] for node in listed["data"]["organisation"]["jobsConnection"]["nodes"]}
    assert found == {str(job), str(id_of("job of the organisation"))}


async def test_a_failure_is_told(shop: JobHarness, engine: Engine) -> None:
    async def step(step: CountStep) -> Returned:
        raise JobFailedError("The file holds no people.")

    shop.kinds["TEST"] = counting(step)
    await fill(shop.database)
    before = (await ask(engine, Caller.STUDENT, JOB, job=str(id_of("job"))))["data"]["job"]
    assert (before["state"], before["retryAfter"]) == ("QUEUED", 1)
    await shop.run(id_of("job"))
    data = (await ask(engine, Caller.STUDENT, JOB, job=str(id_of("job"))))["data"]["job"]
    assert (data["state"], data["failure"]) == ("FAILED", "The file holds no people.")
    assert data["resultUrl"] is None


async def test_stopping_is_written_down_and_stopping_again_is_nothing(
    shop: JobHarness, engine: Engine
) -> None:
    await fill(shop.database)
    stop = """
    mutation ($job: UUID!) { cancelJob(input: {jobId: $job}) { job { state version } } }
    """
    job = str(id_of("job of the organisation"))
    first, second = [await ask(engine, Caller.ADMIN, stop, job=job) for _ in range(2)]
    assert first["data"]["cancelJob"]["job"] == {"state": "CANCELLED", "version": 2}
    assert first == second
    rows = await shop.database.read(
        "SELECT actor_id, subject_id, action FROM audit_entry WHERE row_id = $1::uuid",
        [id_of("job of the organisation")],
        deadline=soon(),
    )
    assert [tuple(row) for row in rows] == [(id_of(Caller.ADMIN), id_of(Caller.STUDENT), "UPDATE")]
