"""A running server counts what a person asks for, and says so."""

from __future__ import annotations

import re

import httpx

from tests.e2e.server import Live

DASHBOARD = "{ goals { id title tasks { id information } notes { id information } } }"


def left(response: httpx.Response) -> int:
    told = re.fullmatch(r'"cost";r=(\d+);t=\d+', response.headers["ratelimit"])
    assert told is not None
    return int(told[1])


def test_the_budget_of_a_person_gets_smaller_with_what_they_ask_for(live: Live) -> None:
    headers = {"Authorization": f"Bearer {live.token('student-0003@demo.example')}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        answers = [client.post(live.graphql, json={"query": DASHBOARD}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"cost";q=30000;w=100'}
    # At once it is less; by how much in the end, the time in between decides.
    assert left(answers[0]) < 30_000


def test_whoever_is_not_signed_in_has_no_budget(live: Live) -> None:
    answer = httpx.post(live.graphql, json={"query": "{ __typename }"}, timeout=60)

    assert "ratelimit" not in answer.headers
