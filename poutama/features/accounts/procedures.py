"""The mutations that make account codes and claim accounts with them.

Who may call them is declared in `accounts.graphql`. What is decided here: for whom a code is made,
and whether it still counts when it is used. Managers and administrators make codes, mentors do not:
a code hands out an identity. A code leads to students alone, whom a verified school's roster made
without an address and who have never signed in: there is nothing of theirs to take, no second adult
to become, and no other sign-in that comes to the account later.
"""

from __future__ import annotations

from json import dumps
from uuid import UUID

import msgspec

from poutama.errors import ConflictError, NotFoundError
from poutama.features.accounts.code_statements import (
    ADD_CODES,
    BIND,
    END_CODES,
    FIND_BOUND,
    FIND_CODE,
    FIND_STUDENTS,
    USE_CODE,
)
from poutama.features.accounts.codes import digest_of, new_code
from poutama.procedure import ProcedureContext
from poutama.spreadsheet import format_row

HEADER = ("name", "username", "code")


class MakeAccountCodesInput(msgspec.Struct, frozen=True, rename="camel"):
    """For whom."""

    group_id: UUID
    person_id: UUID | None = None


class MakeAccountCodesPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The codes, which are not kept."""

    group: UUID
    count: int
    codes: str | None


class ClaimAccountInput(msgspec.Struct, frozen=True, rename="camel"):
    """The code as it was typed."""

    code: str


class ClaimAccountPayload(msgspec.Struct, frozen=True, rename="camel"):
    """Whose the sign-in is."""

    person_id: UUID


async def make_account_codes(
    context: ProcedureContext, input: MakeAccountCodesInput
) -> MakeAccountCodesPayload:
    """Make a code for each student that needs one; older ones of theirs end."""
    transaction, maker = context.transaction, context.viewer.person_id
    students = await transaction.fetch(FIND_STUDENTS, input.group_id, input.person_id)
    table = format_row(HEADER)
    if students:
        codes = [new_code() for _ in students]
        organisation = students[0]["organisation_id"]
        people = dumps([str(each["id"]) for each in students])
        await END_CODES.apply(transaction, maker, people, organisation=organisation)
        rows = dumps(
            [[str(each["id"]), digest_of(code)] for each, code in zip(students, codes, strict=True)]
        )
        days = context.settings.account_code_days
        values = (rows, organisation, maker, days)
        await ADD_CODES.apply(transaction, maker, *values, organisation=organisation)
        table += "".join(
            format_row((each["name"], each["username"], code))
            for each, code in zip(students, codes, strict=True)
        )
    return MakeAccountCodesPayload(input.group_id, len(students), table)


async def claim_account(context: ProcedureContext, input: ClaimAccountInput) -> ClaimAccountPayload:
    """Bind the sign-in to the student whom the code is for.

    Raises:
        NotFoundError: the code is wrong, was used, has expired or no longer counts.
        ConflictError: the sign-in is a person's already.
    """
    transaction, new = context.transaction, context.viewer.sign_in
    found = await transaction.fetch(FIND_CODE, digest_of(input.code))
    caller = None if new else context.viewer.person_id
    if new:
        bound = await transaction.fetch(FIND_BOUND, new.issuer, new.subject)
        caller = UUID(str(bound[0]["person_id"])) if bound else None
    if not found or not (found[0]["counts"] or found[0]["used"]):
        raise NotFoundError.of("Code")
    code = found[0]
    person = UUID(str(code["person_id"]))
    if code["used"]:
        if caller == person:
            return ClaimAccountPayload(person)
        raise NotFoundError.of("Code")
    if caller is not None or new is None:
        raise ConflictError(
            "This sign-in is a person's here already; claim the account with one that is new."
        )
    await transaction.execute(BIND, new.issuer, new.subject, person)
    await USE_CODE.apply(transaction, person, code["id"], organisation=code["organisation_id"])
    return ClaimAccountPayload(person)
