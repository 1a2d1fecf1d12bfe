"""The page /receipts: the state of a request for erasure, and the receipt when it is done.

A person who is erased can no longer sign in. They keep the code of their request, and read what
became of it here; the page names no person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from poutama.db.connection import Database
from poutama.features.privacy.states import RequestState

PATH = "/receipts"
CODE_BYTES = 32
"""Random bytes of a code; `secrets.token_urlsafe` writes them in 43 characters."""
_CODE = re.compile(r"[A-Za-z0-9_-]{43}")
_FIND = """
SELECT r.state, r.created_at, r.due_at, r.done_at, r.receipt, o.name AS organisation
FROM privacy_request AS r LEFT JOIN organisation AS o ON o.id = r.organisation_id
WHERE r.receipt_code = $1::text
"""
_STATES = {
    RequestState.OPEN: "to be decided",
    RequestState.ACCEPTED: "accepted; the data are being erased",
    RequestState.REFUSED: "refused; sign in to read why",
    RequestState.DONE: "done: the person is erased",
}


async def show_receipt(
    database: Database, parameters: Mapping[str, str], deadline: float
) -> str | None:
    """The receipt of the request that has the parameter `code`.

    Raises:
        UnavailableError, DeadlineExceededError: the database does not answer.
    """
    code = parameters.get("code", "")
    if not _CODE.fullmatch(code):
        return None
    rows = await database.read(_FIND, [code], deadline=deadline, name="privacy/receipt")
    if not rows:
        return None
    (row,) = rows
    lines = [
        "Request for erasure",
        f"state: {_STATES[RequestState(row['state'])]}",
        f"decides: {row['organisation'] or 'the operator of the system'}",
        f"requested: {row['created_at']:%Y-%m-%d}",
        f"due: {row['due_at']:%Y-%m-%d}",
    ]
    if row["done_at"] is not None:
        lines += [f"done: {row['done_at']:%Y-%m-%d}", "", row["receipt"] or ""]
    return "\n".join(lines) + "\n"
