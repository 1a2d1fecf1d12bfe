"""Which memberships an import adds, changes and ends; `roster.matching` says how it is run.

A membership's id is made of the import and of what it is, so that two enrolments of one student
in one class, as terms give them, are one membership.
"""

from __future__ import annotations

from poutama.db.statements import load_sql
from poutama.sql.relationship import render_is_current

_SQL = load_sql(__package__, "wanting.sql", {"counts": render_is_current("b")})
MATCH_MEMBERSHIPS, END_MEMBERSHIPS = _SQL["match_memberships"], _SQL["end_memberships"]
