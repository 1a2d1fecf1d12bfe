"""A running server counts what a person asks for, and says so."""

from __future__ import annotations

import re

import httpx

from tests.e2e.local_server import LocalServer

DASHBOARD = "{ goals { id title tasks { id information } notes { id information } } }"


def left(response: httpx.Response) -> int:
    header = re.fullmatch(r'"cost";r=(\d+);t=\d+', response.headers["ratelimit"])
    assert header is not None
    return int(header[1])


def test_the_budget_of_a_person_gets_smaller_with_what_they_ask_for(
    local_server: LocalServer,
) -> None:
    headers = {"Authorization": f"Bearer {local_server.token('student-0003@demo.example')}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        answers = [client.post(local_server.graphql, json={"query": DASHBOARD}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"cost";q=30000;w=100'}
    # At once it is less; by how much in the end, the time in between decides.
    assert left(answers[0]) < 30_000


MARKS = "a" + "\u0301" * 60_000 + "\u0316" * 60_000
CREATE = """mutation($title: String!) {
  createGoal(input: {goalType: SPORTS, title: $title}) { goal { id } }
}"""


def test_a_caller_not_signed_in_has_no_budget_and_nothing_read(local_server: LocalServer) -> None:
    body = {"query": CREATE, "variables": {"title": MARKS}}
    for request in (body, {"query": "{ __typename }"}, {"query": "{ __schema { description } }"}):
        answer = httpx.post(local_server.graphql, json=request, timeout=60)

        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
        assert "ratelimit" not in answer.headers


def test_a_text_of_marks_is_refused_with_its_place(local_server: LocalServer) -> None:
    headers = {"Authorization": f"Bearer {local_server.token('student-0003@demo.example')}"}
    for title, expected in ((MARKS, "1 to 200 characters"), (MARKS[59_950:60_050], "30 combining")):
        body = {"query": CREATE, "variables": {"title": title}}
        answer = httpx.post(local_server.graphql, json=body, headers=headers, timeout=60)

        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert expected in error["message"]
