"""The job ERASURE: erases the person of a request that an administrator has accepted.

One step: it lists the files in the person's folders, and deletes the rows in the transaction that
also writes the receipt and schedules all files for deletion. Killed anywhere, it begins again.
"""

from __future__ import annotations

from poutama.db.transaction import Transaction
from poutama.erasure import list_stored_keys
from poutama.features import load_features
from poutama.features.privacy.deciders import render_may_decide
from poutama.features.privacy.decision import complete_erasure
from poutama.features.privacy.inputs import ErasureInput
from poutama.jobs.job import Empty, Finished, JobFailedError, JobKind, Step

MUTATION = "acceptPrivacyRequest"
_FIND_PERSON = f"""
SELECT r.person_id, {render_may_decide("r")} AS may_decide
FROM privacy_request AS r WHERE r.id = $1::uuid
"""  # noqa: S608  constants


async def erase_step(step: Step[ErasureInput, Empty]) -> Finished:
    """Erase the person.

    Raises:
        JobFailedError: who accepted the request no longer administers the organisation, or the
            organisation no longer decides.
        PoutamaError: the database or the store cannot be reached.
    """
    request, actor = step.input.privacy_request_id, step.job.person_id
    permitted = {"privacyRequestId": request}
    if not await step.permits.hold(MUTATION, permitted, actor, deadline=step.deadline):
        raise JobFailedError("You may no longer decide this request; nothing was erased.")
    rows = await step.database.read(
        _FIND_PERSON, [request], deadline=step.deadline, name="erasure/person"
    )
    person = rows[0]["person_id"] if rows else None
    if person is None:
        return Finished(done=0)
    if not rows[0]["may_decide"]:
        raise JobFailedError("The operator of the system decides now; nothing was erased.")
    keys = await list_stored_keys(step.store, load_features().stored_data, person)

    async def effects(transaction: Transaction) -> None:
        await complete_erasure(transaction, step.changes(transaction), request, person, keys, actor)

    return Finished(done=1, effects=effects)


ERASURE_JOB = JobKind(input=ErasureInput, checkpoint=Empty, step=erase_step)
"""What workers run."""
