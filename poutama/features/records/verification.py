"""What becomes of opened records where an organisation is no longer verified.

Called by the command line (`commands.organisations`), in the transaction in which the operator
withdraws the verification.
"""

from __future__ import annotations

from poutama.db.verified_organisations import render_is_verified

CLOSE_UNVERIFIED = f"""
UPDATE opened_record AS r SET closed_at = now(), version = r.version + 1, updated_at = now()
WHERE r.closed_at IS NULL AND r.expires_at > now() AND NOT {render_is_verified("r.organisation_id")}
"""  # noqa: S608  constants
"""Closes open records: only verified organisations have any."""
