"""What the wiring promises: signed addresses, questions of jobs, and no waiting for queues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from poutama.edge.application import Resources, compute_fields, wake_by
from poutama.edge.worker_resources import open_query
from poutama.errors import (
    BadUserInputError,
    MethodNotAllowedError,
    UnavailableError,
    ValidationFailedError,
)
from poutama.jobs.local_queue import LocalQueue
from poutama.server.resources import open_server_resources
from poutama.settings import Settings

ANA = UUID("0b4f0c1e-0000-4000-8000-000000000001")
SHA256 = "ab" * 32


class FailingQueue(LocalQueue):
    """A queue that takes nothing."""

    async def send(self, body: str, *, delay: float = 0.0) -> None:
        await asyncio.Event().wait()


@pytest_asyncio.fixture
async def resources(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Resources]:
    resources = open_server_resources(Settings(trusted_documents=""), fresh_database_url, tmp_path)
    await resources.database.write(
        "INSERT INTO person (id, email, name) VALUES ($1, 'ana@school.example', 'Ana')",
        [ANA],
        deadline=asyncio.get_running_loop().time() + 30,
    )
    yield resources
    await resources.close()


async def test_jobs_ask_what_the_api_would_answer_in_a_persons_name(resources: Resources) -> None:
    query = open_query(resources)

    assert await query("{ me { name } }", {}, ANA) == {"me": {"name": "Ana"}}


@pytest.mark.parametrize(
    ("document", "variables", "error"),
    [
        ("{ nothing }", {}, ValidationFailedError),
        ("query ($id: UUID!) { goals(goalId: $id) { id } }", {"id": "x"}, BadUserInputError),
        ("mutation { cancelJob(input: {jobId: 1}) { job { id } } }", {}, ValidationFailedError),
        (
            f'mutation {{ cancelJob(input: {{jobId: "{ANA}"}}) {{ job {{ id }} }} }}',
            {},
            MethodNotAllowedError,
        ),
    ],
)
async def test_what_the_api_would_refuse_is_an_error_of_its_kind(
    resources: Resources, document: str, variables: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await open_query(resources)(document, variables, ANA)


async def test_who_is_not_there_sees_nothing(resources: Resources) -> None:
    assert await open_query(resources)("{ goals { id } }", {}, uuid4()) == {"goals": []}


async def test_computed_fields_are_signed_by_the_store(resources: Resources) -> None:
    compute = compute_fields(resources)(ANA)

    form = compute["upload_form"]("people/a/b/c", "image/png", 7, SHA256)
    assert set(form) == {"url", "method", "fields", "expiresAt", "maxBytes"}
    assert (form["method"], form["maxBytes"]) == ("POST", 7)
    assert {"name": "key", "value": "people/a/b/c"} in form["fields"]
    saved = compute["download_url"]("people/a/b/c", "tākoro.png", "image/png")
    shown = compute["inline_url"]("people/a/b/c", "tākoro.png", "image/png")
    assert "people/a/b/c" in saved
    assert "people/a/b/c" in shown
    assert saved != shown


async def test_waking_a_worker_does_not_wait_for_a_queue_that_is_stuck() -> None:
    with pytest.raises(UnavailableError):
        await wake_by(FailingQueue(), seconds=0.01)(uuid4())
