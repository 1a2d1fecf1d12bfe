"""Which organisations are the schools that they say, and whose mail domains are theirs.

Operators decide it (`poutama organisations`), never the API: anyone may found an organisation, and
call it what they like. These are the conditions that statements of several packages have in common.
"""

from __future__ import annotations


def render_is_verified(organisation: str) -> str:
    """Return the SQL condition that the organisation of this id is verified.

    A value and not `EXISTS`, which a planner that knows nothing of the tables yet joins first, and
    reads all rows of the organisation for each row.
    """
    return (
        "coalesce((SELECT vo.verified FROM organisation AS vo"  # noqa: S608  names
        f" WHERE vo.id = {organisation}), false)"
    )


def render_domain(email: str) -> str:
    """Return the SQL value that is the mail domain of the address, as `verified_domain` has it."""
    return f"regexp_replace(lower({email}), '^.*@', '')"


def render_is_of_others(organisation: str, email: str) -> str:
    """Return the SQL condition that the address is of a mail domain, and of others' alone."""
    return (
        f"(coalesce({render_domain(email)} IN"  # noqa: S608  names
        " (SELECT od.domain FROM verified_domain AS od), false)"
        f" AND NOT {render_has_domain(organisation, email)})"
    )


def render_has_domain(organisation: str, email: str) -> str:
    """Return the SQL condition that the address is of one of the organisation's mail domains.

    Of exactly that domain, not of one below it; a domain holds no wildcards
    (`roster.organisation_verification`). No address is of none.
    """
    return (
        "EXISTS (SELECT 1 FROM verified_domain AS vd"  # noqa: S608  names
        f" WHERE vd.organisation_id = {organisation}"
        f" AND lower({email}) LIKE '%@' || vd.domain)"
    )
