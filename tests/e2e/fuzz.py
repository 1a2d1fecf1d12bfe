"""schemathesis against a real server: all that the schema lets one ask, by people of every role.

`make fuzz` runs it for as long as one likes, `test_fuzz.py` for a few hundred operations. Queries
and mutations, with ids of the demo school's own rows, are sent as students, staff and caregivers.
Never may there be a 5xx, an error without a code that the docs know, a word of Python or SQL in an
answer, or a line in the server's log.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from graphql import (
    REMOVE,
    ArgumentNode,
    IntValueNode,
    NullValueNode,
    ObjectFieldNode,
    ValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from poutama.errors import PoutamaError
from poutama.schema.scalars import print_date_time
from tests.e2e.local_server import LocalServer, run_server

ROLES = (
    "student-0001@demo.example",
    "student-0002@demo.example",
    "mentor-01@demo.example",
    "manager-01@demo.example",
    "admin@demo.example",
    "caregiver-0001@demo.example",
)
EVERYTHING = """{
  me { id goals { id tasks { id } notes { id } evidence { id } } memberships { id } }
  organisations { id memberships(first: 40) { id person { id goals(first: 3) { id } } } }
  groups { id } jobs { id } rosterImports { id }
}"""
"""What ids are taken from."""
IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TELLTALE = re.compile(r'Traceback|File "|asyncpg|SQLSTATE|0x[0-9a-f]{8}|site-packages')
"""Words that no answer has, whatever is asked."""
OPERATIONS_AT_ONCE = 50
# No budget runs out, and operations are as large as they like: what is refused is not run.
SETTINGS = {"POUTAMA_BUDGET_CAPACITY": "0", "POUTAMA_MAX_COST": "1000000"}


@dataclass(slots=True)
class Fuzzer:
    """Sends operations to one server, and counts what they are answered."""

    local_server: LocalServer
    tally: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def run(self, start: int, *, operations: int, until: float | None = None) -> None:
        """Send that many operations as each role in turn; those of one seed are the same.

        Args:
            start: the seed.
            operations: how many altogether.
            until: a `time.monotonic()` after which no more are sent.
        """
        self._register_scalars()
        headers = {"Authorization": f"Bearer {self.local_server.token()}"}
        schema = schemathesis.graphql.from_url(self.local_server.graphql, headers=headers)
        strategy = schema.as_strategy()
        logged = self.local_server.logged()
        with httpx.Client(timeout=60) as client:
            for turn in range(-(-operations // OPERATIONS_AT_ONCE)):
                if self.failures or (until is not None and time.monotonic() > until):
                    break
                self._run_turn(client, strategy, start + turn, ROLES[turn % len(ROLES)])
        if said := self.local_server.logged().removeprefix(logged):
            self.failures.append(f"the server's log has\n{said}")

    def _run_turn(
        self, client: httpx.Client, strategy: st.SearchStrategy[Any], number: int, email: str
    ) -> None:
        @seed(number)
        @settings(
            database=None,
            deadline=None,
            max_examples=OPERATIONS_AT_ONCE,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy, st.sampled_from((None, STRICT)), KEYS, st.integers(0, 3))
        def send(case: Any, accept: str | None, key: str | None, wild: int) -> None:
            headers = {"Authorization": f"Bearer {self.local_server.token(email)}"}
            headers |= {"Accept": accept} if accept else {}
            headers |= {"Idempotency-Key": key} if key else {}
            text = tame(case.body) if wild else case.body
            self._check(email, text, client, headers)

        send()

    def _check(self, email: str, text: str, client: httpx.Client, headers: dict[str, str]) -> None:
        response = client.post(self.local_server.graphql, json={"query": text}, headers=headers)
        summary = f"{response.status_code} {response.text[:1000]}\n{email} asked {text[:5000]}"
        try:
            body = response.json()
            codes = [error["extensions"]["code"] for error in body.get("errors", ())]
        except (ValueError, KeyError, TypeError, AttributeError):
            self.failures.append(f"no GraphQL response: {summary}")
            return
        self.tally.update(codes or ["answered"])
        if response.status_code >= 500 or set(codes) - CODES:
            self.failures.append(summary)
        if found := TELLTALE.search(response.text):
            self.failures.append(f"{found.group()!r} in {summary}")

    def _register_scalars(self) -> None:
        ids = self._find_ids()
        known = st.sampled_from(ids)
        schemathesis.graphql.scalar(
            "UUID", st.one_of(known, known, known, st.uuids().map(str)).map(nodes.String)
        )
        moments = st.datetimes(timezones=st.just(UTC)).map(print_date_time)
        schemathesis.graphql.scalar("DateTime", moments.map(nodes.String))

    def _find_ids(self) -> list[str]:
        found: set[str] = set()
        for email in ROLES:
            headers = {"Authorization": f"Bearer {self.local_server.token(email)}"}
            body = {"query": EVERYTHING}
            response = httpx.post(self.local_server.graphql, json=body, headers=headers, timeout=60)
            found.update(IDS.findall(response.text))
        assert len(found) > 100, "the demo school is not there"
        return sorted(found)


def tame(text: str) -> str:
    """The operation without what can only be refused: made-up cursors, nulls, endless pages."""

    class Tamer(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
            return REMOVE if node.name.value == "after" or _is_null(node.value) else None

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
            return REMOVE if _is_null(node.value) else None

        def enter_int_value(self, node: IntValueNode, *_: Any) -> Any:
            return nodes.Int(int(node.value) % 50)

    return print_ast(visit(parse(text), Tamer()))


def _is_null(value: ValueNode) -> bool:
    return isinstance(value, NullValueNode)


def _codes(kind: type[PoutamaError]) -> set[str]:
    safe = {kind.code} if kind.safe and kind.status < 500 else set()
    return safe.union(*map(_codes, kind.__subclasses__()))


CODES = _codes(PoutamaError) | {"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}
"""Those of errors that are the client's."""
STRICT = "application/graphql-response+json"
KEYS = st.one_of(st.none(), st.none(), st.sampled_from(("again", "and again")))


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m tests.e2e.fuzz --seconds 120`: 1 if anything was found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=None)
    given_ = parser.parse_args(arguments)
    start = given_.seed if given_.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {start}: starting a server of its own", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="poutama-fuzz-") as home,
        run_server(Path(home), {**os.environ, **SETTINGS}) as local_server,
    ):
        fuzzer = Fuzzer(local_server)
        until = time.monotonic() + given_.seconds
        fuzzer.run(start, operations=10**9, until=until)
    print(", ".join(f"{code} {times}" for code, times in sorted(fuzzer.tally.items())))
    for failure in fuzzer.failures:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if fuzzer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
