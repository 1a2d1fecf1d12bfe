"""Join codes: what they look like, and when a membership by one waits for approval.

Called by the procedures that renew a code, join a group by one, and accept a membership. Pure.
"""

from __future__ import annotations

import secrets

# Without the letters and digits that are read for one another.
CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
CODE_LENGTH = 8


def new_join_code() -> str:
    """Eight letters and digits, 39 bits of chance."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def render_waits(person: str, group: str) -> str:
    """Return the SQL condition that a person who joins the group by its code waits for approval.

    The group wants it, or the person was removed from a group of the same organisation: a student
    membership that they had accepted has ended, not with its group, and they did not end it
    themselves.

    Args:
        person: the person's id.
        group: the alias of the group's row.
    """
    return f"""({group}.join_approval OR EXISTS (
        SELECT 1 FROM membership AS r LEFT JOIN learning_group AS rg ON rg.id = r.group_id
        WHERE r.organisation_id = {group}.organisation_id AND r.person_id = {person}
            AND r.role = 'STUDENT' AND r.accepted_at IS NOT NULL AND r.ends_at <= now()
            AND r.ended_by_id IS DISTINCT FROM r.person_id
            AND r.ends_at IS DISTINCT FROM rg.ended_at
    ))"""  # noqa: S608  names
