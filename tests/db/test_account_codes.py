"""Account codes: a student without an address claims the account, and no one claims another's."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any
from uuid import UUID

import pytest

from poutama.db.identity import SignIn, UnknownSignInError, find_person
from poutama.db.transaction import Transaction, run_transaction
from poutama.edge.budget import open_new_budgets
from poutama.errors import RateLimitedError
from poutama.features.accounts.codes import LENGTH, LETTERS, digest_of, new_code
from poutama.features.roster.organisation_verification import (
    doubt_organisation,
    verify_organisations,
)
from poutama.settings import Settings
from poutama.viewer import NewSignIn, Viewer
from tests.db.idempotent_mutations import send
from tests.db.roster_importer import ORGANISATION, Importer
from tests.db.sessions import soon
from tests.db.tasks import run_task
from tests.db.test_roster_without_email import child, person_of, school
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

MAKE = """mutation ($group: UUID!, $person: UUID) {
  makeAccountCodes(input: {groupId: $group, personId: $person}) { count codes } }"""
CLAIM = "mutation ($code: String!) { claimAccount(input: {code: $code}) { personId } }"
ACCOUNTS = (
    "{ groups { name members { role person { name } account { hasSignedIn codeExpiresAt } } } }"
)
WRITE = """mutation { createGoal(input: {title: "Mine", goalType: WELLBEING, information: ""}) {
  goal { id } } }"""
GROUP = "SELECT id FROM learning_group WHERE name = 'Room 1'"
ISSUER = "https://issuer.example"


KEPT = "SELECT written::text AS written FROM idempotency_key WHERE key = 'codes'"


class Claims:
    """A school with two children, its codes, and accounts that are new."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self.client = EngineClient(importer.database, "json")

    async def set_up(self) -> None:
        await self.importer.import_(school(child(1), child(2)))

    async def codes(
        self, person: str | None = None, caller: Caller = Caller.ADMIN
    ) -> dict[str, str]:
        """Name -> code, as they are printed."""
        (group,) = await self.importer.rows(GROUP)
        made = await self.importer.ask(MAKE, caller, group=str(group["id"]), person=person)
        rows = [*csv.DictReader(io.StringIO(made["codes"]))]
        assert made["count"] == len(rows)
        return {row["name"]: row["code"] for row in rows}

    async def enter(self, subject: str, email: str | None = None) -> Viewer:
        """As `edge.oidc` finds the caller of a verified token."""
        try:
            return Viewer(await find_person(self.importer.database, SignIn(ISSUER, subject, email)))
        except UnknownSignInError as error:
            return Viewer.of_sign_in(NewSignIn(ISSUER, subject, error.message))

    async def claim(self, code: str, viewer: Viewer) -> str:
        """The person's id, or the code of the error."""
        answer = await self.client.send(CLAIM, viewer, code=code)
        body = json.loads(answer.body)
        if "errors" in body:
            (error,) = body["errors"]
            return str(error["extensions"]["code"])
        return str(body["data"]["claimAccount"]["personId"])


@pytest.fixture
async def claims(importer: Importer) -> Claims:
    claims = Claims(importer)
    await claims.set_up()
    return claims


async def test_a_student_claims_the_account_and_keeps_what_it_is(claims: Claims) -> None:
    importer = claims.importer
    codes = await claims.codes()
    assert set(codes) == {"Child 1", "Child 2"}
    stored = [row["digest"] for row in await importer.rows("SELECT * FROM account_code")]
    assert sorted(stored) == sorted(map(digest_of, codes.values()))
    assert not set(codes.values()) & set(stored)
    person = await person_of(importer, "u1")
    typed = codes["Child 1"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert await claims.claim(typed, await claims.enter("s1")) == str(person)
    student = await claims.enter("s1")
    assert student == Viewer(person)
    me = await claims.client.ask(
        "{ me { name email memberships { role group { name } } } }", student
    )
    assert me["me"] == {
        "name": "Child 1", "email": None,
        "memberships": [{"role": "STUDENT", "group": {"name": "Room 1"}}],
    }  # fmt: skip
    await claims.client.ask(WRITE, student)
    # Who made the code and when it was used is in the student's audit, and in the administrator's.
    audit = "{ me { auditConnection(first: 50) { nodes { kind action actorName } } } }"
    seen = (await claims.client.ask(audit, student))["me"]["auditConnection"]["nodes"]
    entries = [
        (each["action"], each["actorName"]) for each in seen if each["kind"] == "AccountCode"
    ]
    assert entries == [("UPDATE", "Child 1"), ("INSERT", "admin")]
    rows = await importer.rows(
        "SELECT action FROM audit_entry WHERE kind = 'AccountCode' AND subject_id = $1"
        " AND organisation_id = $2 ORDER BY action",
        person,
        ORGANISATION,
    )
    assert [row["action"] for row in rows] == ["INSERT", "UPDATE"]


async def test_a_code_works_once_and_for_a_new_sign_in_alone(claims: Claims) -> None:
    codes = await claims.codes()
    first, second = await claims.enter("s1"), await claims.enter("s2")
    person = await claims.claim(codes["Child 1"], first)
    # The same sign-in has the same answer, before it is known as a person and afterwards.
    assert await claims.claim(codes["Child 1"], first) == person
    assert await claims.claim(codes["Child 1"], await claims.enter("s1")) == person
    assert await claims.claim(codes["Child 1"], second) == "NOT_FOUND"
    for viewer in (first, await claims.enter("s1"), Viewer(id_of(Caller.STUDENT))):
        assert await claims.claim(codes["Child 2"], viewer) == "CONFLICT"
    wrong = await claims.client.send(CLAIM, second, code=new_code())
    used = await claims.client.send(CLAIM, second, code=codes["Child 1"])
    assert (wrong.status, wrong.body) == (used.status, used.body)
    assert await claims.claim(codes["Child 2"], second) != person


async def test_codes_are_for_students_who_never_signed_in(claims: Claims) -> None:
    importer = claims.importer
    before = await claims.codes()
    person = str(await person_of(importer, "u2"))
    again = await claims.codes(person)
    assert set(again) == {"Child 2"}
    new = await claims.enter("s1")
    assert await claims.claim(before["Child 2"], new) == "NOT_FOUND"
    assert await claims.claim(again["Child 2"], new) == person
    assert set(await claims.codes()) == {"Child 1"}
    assert await claims.codes(person) == {}
    # Not for staff, nor for those whom no roster made.
    (group,) = await importer.rows("SELECT id FROM learning_group WHERE id = $1", id_of("group"))
    made = await importer.ask(MAKE, Caller.MANAGER, group=str(group["id"]), person=None)
    assert made["count"] == 0


async def test_no_code_leads_to_an_account_to_which_an_address_does(claims: Claims) -> None:
    """An adult who used the code of a student with an address, by another issuer, kept the account
    when two adults had decided that the student's own sign-in was the same person's.
    """
    await claims.importer.import_(school(child(1, email="one@school.example"), child(2)))
    assert set(await claims.codes()) == {"Child 2"}
    assert await claims.codes(str(await person_of(claims.importer, "u1"))) == {}


async def test_codes_are_in_the_first_answer_alone_and_no_idempotency_key_keeps_them(
    claims: Claims,
) -> None:
    (group,) = await claims.importer.rows(GROUP)
    mutation = (MAKE, {"group": str(group["id"]), "person": None})
    admin = Viewer(id_of(Caller.ADMIN))
    first, again = [
        json.loads((await send(claims.client, mutation, "codes", admin)).body)["data"]
        for _ in range(2)
    ]
    assert first["makeAccountCodes"]["codes"].count("-") == 8
    assert again == {"makeAccountCodes": {"count": 2, "codes": None}}
    (kept,) = await claims.importer.rows(KEPT)
    assert "name" not in kept["written"]


ENDINGS = ("expired", "withdrawn", "verified again", "left", "returned", "address", "conflict",
           "decided", "erased")  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_ends_a_code(claims: Claims, ending: str) -> None:
    importer = claims.importer
    await verify_organisations(importer.database, [ORGANISATION], deadline=soon())
    codes = await claims.codes()
    person = await person_of(importer, "u1")
    await end(claims, ending, person)
    assert await claims.claim(codes["Child 1"], await claims.enter("s1")) == "NOT_FOUND"
    assert await importer.rows("SELECT 1 FROM identity WHERE subject = 's1'") == []
    if ending not in ("withdrawn", "verified again"):
        assert await claims.claim(codes["Child 2"], await claims.enter("s2")) != "NOT_FOUND"


async def end(claims: Claims, ending: str, person: UUID) -> None:
    importer = claims.importer

    async def doubt(transaction: Transaction) -> None:
        await doubt_organisation(transaction, ORGANISATION)

    match ending:
        case "expired":
            await importer.write(
                "UPDATE account_code SET expires_at = now() WHERE person_id = $1", person
            )
        case "withdrawn" | "verified again":
            await run_transaction(importer.database, doubt, deadline=soon(), name="doubt")
            if ending == "verified again":
                await verify_organisations(importer.database, [ORGANISATION], deadline=soon())
        case "left" | "returned":
            await importer.import_(school(child(2)))
            if ending == "returned":
                await importer.import_(school(child(1), child(2)))
        case "address":
            await importer.import_(school(child(1, email="one@school.example"), child(2)))
        case "conflict" | "decided":
            await importer.write(
                "INSERT INTO address_conflict (id, organisation_id, person_id, email, kind, source,"
                " claimant, decision, decided_at) VALUES (gen_random_uuid(), $1, $2, 'x@y.example',"
                " 'SIGN_IN', 'issuer', 'x', $3::text, CASE WHEN $3::text <> '' THEN now() END)",
                ORGANISATION,
                person,
                "DIFFERENT_PEOPLE" if ending == "decided" else None,
            )
        case "erased":
            await importer.write("DELETE FROM person WHERE id = $1", person)


OTHERS = (
    "{ me { id } }",
    "mutation { claimAccount(input: {code: \"x\"}) { personId } createGoal(input: {title: \"x\","
    " goalType: WELLBEING, information: \"\"}) { goal { id } } }",
    "query claimAccount { organisations { id } }",
    "mutation { ...a } fragment a on Mutation { claimAccount(input: {code: \"x\"}) { personId } }",
    "query claimAccount { __schema { queryType { name } } }",
    f"mutation {{ claimAccount(input: {{code: \"{'x' * 2_000}\"}}) {{ personId }} }}",
)  # fmt: skip


@pytest.mark.parametrize("document", OTHERS)
async def test_a_new_sign_in_can_ask_for_nothing_else(claims: Claims, document: str) -> None:
    viewer = await claims.enter("s1")
    status, error = await claims.client.fail(document, viewer)
    assert viewer.sign_in is not None
    assert (status, error["extensions"]["code"]) == (403, "FORBIDDEN")
    assert error["message"] == viewer.sign_in.refusal


async def test_attempts_are_limited_over_all_processes(claims: Claims) -> None:
    person = Viewer.of_sign_in(NewSignIn(ISSUER, "s1", "")).person_id
    left = 3
    for _ in range(4):
        budgets = open_new_budgets(Settings(), claims.importer.database, 3)
        assert budgets is not None
        account = budgets.open_account(person, time.monotonic() + 10)
        if left == 0:
            with pytest.raises(RateLimitedError):
                await account.spend(1)
            break
        # One request is one attempt, whatever it costs.
        await account.spend(500)
        await account.spend(500)
        left -= 1
    assert left == 0
    await claims.importer.write("UPDATE new_sign_in SET settled_at = now() - interval '2 days'")
    await claims.importer.write("UPDATE account_code SET expires_at = now() - interval '2 days'")
    await run_task("purge_account_codes", claims.importer.database, claims.importer.store)
    for table in ("new_sign_in", "account_code"):
        assert await claims.importer.rows(f"SELECT 1 FROM {table}") == []


async def test_teachers_see_who_has_not_signed_in_and_students_do_not(claims: Claims) -> None:
    codes = await claims.codes()
    await claims.claim(codes["Child 1"], await claims.enter("s1"))
    teacher = Viewer(
        await find_person(claims.importer.database, SignIn(ISSUER, "t", "t1@school.example"))
    )
    found = {each["person"]["name"]: each["account"] for each in await accounts(claims, teacher)}
    assert found.pop("Child 2")["codeExpiresAt"] is not None
    assert found == {"Hana M": None, "Child 1": {"hasSignedIn": True, "codeExpiresAt": None}}
    waiting = """{ groups { membersConnection(filter: {account: {hasSignedIn: {eq: false}}}) {
      nodes { person { name } } } } }"""
    (group,) = (await claims.client.ask(waiting, teacher))["groups"]
    assert group["membersConnection"]["nodes"] == [{"person": {"name": "Child 2"}}]
    student = await claims.enter("s1")
    assert {json.dumps(each["account"]) for each in await accounts(claims, student)} == {"null"}


async def accounts(claims: Claims, viewer: Viewer) -> list[Any]:
    (group,) = (await claims.client.ask(ACCOUNTS, viewer))["groups"]
    return list(group["members"])


def test_a_code_has_a_hundred_random_bits_and_more() -> None:
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(len(code.replace("-", "")) == LENGTH for code in codes)
    assert LENGTH * (len(LETTERS).bit_length() - 1) >= 100
