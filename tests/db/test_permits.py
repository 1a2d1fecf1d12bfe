"""`Permits`: outside a mutation, the answer that the mutation itself would give."""

from __future__ import annotations

from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.features import load_model
from poutama.permits import Permits
from tests.db.sample_people import fill
from tests.db.sessions import soon
from tests.db.test_mutation_roles import resolve
from tests.features import mutation_cases
from tests.features.record import Caller, Case, MutationRecord
from tests.features.sample import id_of

MODEL = load_model()
CASES = [
    pytest.param(record, case, id=f"{record.name}: {case.about}")
    for record, case in mutation_cases()
    if MODEL.mutations[record.name].permissions
]


@pytest.mark.parametrize(("record", "case"), CASES)
async def test_who_may_call_it_is_who_its_table_says(
    engine_database: Database, record: MutationRecord, case: Case
) -> None:
    await fill(engine_database)
    permits = Permits(MODEL, engine_database)
    plain = ("role", "decision")
    names = {each.input for each in MODEL.mutations[record.name].permissions} | {*plain}
    found = resolve(case.input, id_of)
    input = {
        name: value if name in plain else UUID(value)
        for name, value in found.items()
        if name in names
    }
    allowed = {
        caller
        for caller in Caller
        if caller is not Caller.ANONYMOUS
        and await permits.hold(record.name, input, id_of(caller), deadline=soon())
    }
    assert allowed == case.allowed


async def test_a_mutation_for_everyone_holds_without_a_statement(engine_database: Database) -> None:
    permits = Permits(MODEL, engine_database)
    assert await permits.hold("createOrganisation", {}, UUID(int=1), deadline=soon())
    with pytest.raises(KeyError):
        await permits.hold("createOrganization", {}, UUID(int=1), deadline=soon())
