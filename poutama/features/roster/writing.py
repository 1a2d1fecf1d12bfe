"""Doing what an import's staged rows say, each statement from one place to another.

`roster.steps` runs them, each batch in the transaction of its checkpoint: it happens once. What
has changed since the rows were matched is looked at again here; what can no longer be done is left
and told. Audit entries are those that single changes would write.
"""

from __future__ import annotations

_RANGE = "s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8"
_IMPORT = "JOIN roster_import AS i ON i.id = s.import_id"
_ENTRY = """
INSERT INTO audit_entry (id, actor_id, actor_name, subject_id, action, kind, row_id)
SELECT gen_random_uuid(), i.actor_id, p.name, {subject}, '{action}', '{kind}', d.id
FROM done AS d, roster_import AS i LEFT JOIN person AS p ON p.id = i.actor_id
WHERE i.id = $1::uuid AND i.actor_id IS NOT NULL
"""


def _audited(change: str, action: str, kind: str, subject: str) -> str:
    entry = _ENTRY.format(action=action, kind=kind, subject=subject)
    return f"WITH done AS ({change}) {entry}"


WRITE_GROUPS = (
    _audited(
        f"""
INSERT INTO learning_group (id, organisation_id, name, name_search)
SELECT s.target, i.organisation_id, s.name, s.name_search
FROM roster_staged_group AS s {_IMPORT} WHERE {_RANGE} AND s.action = 'ADD'
ON CONFLICT (id) DO NOTHING RETURNING id
""",  # noqa: S608
        "INSERT",
        "Group",
        "NULL::uuid",
    ),
    _audited(
        f"""
UPDATE learning_group AS g SET
    name = s.name, name_search = s.name_search, version = g.version + 1, updated_at = now()
FROM roster_staged_group AS s
WHERE {_RANGE} AND s.action = 'CHANGE' AND g.id = s.target AND g.name <> s.name
RETURNING g.id
""",  # noqa: S608
        "UPDATE",
        "Group",
        "NULL::uuid",
    ),
    f"""
INSERT INTO roster_group (organisation_id, sourced_id, group_id, import_id, hash)
SELECT i.organisation_id, s.sourced_id, g.id, i.id, s.hash
FROM roster_staged_group AS s {_IMPORT} JOIN learning_group AS g ON g.id = s.target
WHERE {_RANGE} AND s.action IN ('ADD', 'CHANGE')
ON CONFLICT (organisation_id, sourced_id) DO UPDATE SET
    group_id = excluded.group_id, import_id = excluded.import_id, hash = excluded.hash,
    ended = false, updated_at = now()
""",  # noqa: S608
    f"""
UPDATE roster_group AS l SET ended = true, import_id = i.id, updated_at = now()
FROM roster_staged_group AS s {_IMPORT}
WHERE {_RANGE} AND s.action = 'END'
    AND l.organisation_id = i.organisation_id AND l.sourced_id = s.sourced_id
""",  # noqa: S608
)

WRITE_PEOPLE = (
    _audited(
        f"""
INSERT INTO person (id, email, name)
SELECT s.target, s.email, s.name
FROM roster_staged_person AS s WHERE {_RANGE} AND s.action = 'ADD' AND s.found = 'NEW'
ON CONFLICT DO NOTHING RETURNING id
""",  # noqa: S608
        "INSERT",
        "Person",
        "d.id",
    ),
    # Asked again: somebody may have signed in, joined elsewhere or taken the email since.
    _audited(
        f"""
UPDATE person AS p SET
    name = CASE WHEN s.takes_name THEN s.name ELSE p.name END,
    email = CASE WHEN s.takes_email
        AND NOT EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = p.id)
        AND NOT EXISTS (SELECT 1 FROM person AS q WHERE q.email = s.email)
        THEN s.email ELSE p.email END,
    version = p.version + 1, updated_at = now()
FROM roster_staged_person AS s {_IMPORT}
WHERE {_RANGE} AND s.action = 'CHANGE' AND (s.takes_name OR s.takes_email) AND p.id = s.target
    AND EXISTS (
        SELECT 1 FROM roster_person AS l
        WHERE l.organisation_id = i.organisation_id AND l.sourced_id = s.sourced_id
            AND l.person_id = p.id AND l.made
    )
    AND NOT EXISTS (
        SELECT 1 FROM membership AS m
        WHERE m.person_id = p.id AND m.organisation_id <> i.organisation_id
    )
RETURNING p.id
""",  # noqa: S608
        "UPDATE",
        "Person",
        "d.id",
    ),
    f"""
INSERT INTO roster_person (organisation_id, sourced_id, person_id, import_id, hash, made)
SELECT i.organisation_id, s.sourced_id, p.id, i.id, s.hash, s.found = 'NEW'
FROM roster_staged_person AS s {_IMPORT} JOIN person AS p ON p.id = s.target
WHERE {_RANGE} AND s.action IN ('ADD', 'CHANGE')
ON CONFLICT (organisation_id, sourced_id) DO UPDATE SET
    import_id = excluded.import_id, hash = excluded.hash, ended = false, updated_at = now()
""",  # noqa: S608
    f"""
UPDATE roster_person AS l SET ended = true, import_id = i.id, updated_at = now()
FROM roster_staged_person AS s {_IMPORT}
WHERE {_RANGE} AND s.action = 'END'
    AND l.organisation_id = i.organisation_id AND l.sourced_id = s.sourced_id
""",  # noqa: S608
    f"""
UPDATE roster_staged_person AS s SET fault = 'CHANGED'
WHERE {_RANGE} AND s.action = 'ADD' AND NOT EXISTS (SELECT 1 FROM person AS p WHERE p.id = s.target)
""",  # noqa: S608
)

WRITE_MEMBERSHIPS = (
    _audited(
        f"""
INSERT INTO membership (id, organisation_id, group_id, person_id, role, source, begins_at, ends_at,
    accepted_at, invited_name, invited_email)
SELECT s.target, i.organisation_id, s.group_id, p.id, s.role, 'ROSTER',
    coalesce(s.begins_at, now()), s.ends_at, CASE WHEN s.accepts THEN now() END,
    CASE WHEN NOT s.accepts THEN sp.name END, CASE WHEN NOT s.accepts THEN sp.email END
FROM roster_staged_membership AS s {_IMPORT} JOIN person AS p ON p.id = s.person_id
    LEFT JOIN learning_group AS g ON g.id = s.group_id
    LEFT JOIN roster_staged_person AS sp
        ON sp.import_id = s.import_id AND sp.sourced_id = s.user_id
WHERE {_RANGE} AND s.action IN ('ADD', 'MOVE') AND s.found = 'NEW'
    AND (s.group_id IS NULL OR g.organisation_id = i.organisation_id)
ON CONFLICT (id) DO NOTHING RETURNING id, person_id
""",  # noqa: S608
        "INSERT",
        "Membership",
        "d.person_id",
    ),
    _audited(
        f"""
UPDATE membership AS m SET accepted_at = now(), version = m.version + 1, updated_at = now()
FROM roster_staged_membership AS s
WHERE {_RANGE} AND s.action IN ('ADD', 'MOVE') AND s.found = 'THERE' AND s.accepts
    AND m.id = s.target AND m.accepted_at IS NULL
RETURNING m.id, m.person_id
""",  # noqa: S608
        "UPDATE",
        "Membership",
        "d.person_id",
    ),
    _audited(
        f"""
UPDATE membership AS m SET
    begins_at = coalesce(s.begins_at, m.begins_at), ends_at = s.ends_at,
    version = m.version + 1, updated_at = now()
FROM roster_staged_membership AS s
WHERE {_RANGE} AND s.action = 'CHANGE' AND m.id = s.target AND m.source = 'ROSTER'
    AND (m.begins_at <> coalesce(s.begins_at, m.begins_at)
        OR m.ends_at IS DISTINCT FROM s.ends_at)
RETURNING m.id, m.person_id
""",  # noqa: S608
        "UPDATE",
        "Membership",
        "d.person_id",
    ),
    f"""
INSERT INTO roster_membership
    (organisation_id, kind, sourced_id, membership_id, import_id, class_id, user_id, hash)
SELECT i.organisation_id, s.kind, s.sourced_id, m.id, i.id, s.class_id, s.user_id, s.hash
FROM roster_staged_membership AS s {_IMPORT} JOIN membership AS m ON m.id = s.target
WHERE {_RANGE} AND s.action IN ('ADD', 'CHANGE', 'MOVE')
ON CONFLICT (organisation_id, kind, sourced_id) DO UPDATE SET
    membership_id = excluded.membership_id, import_id = excluded.import_id,
    class_id = excluded.class_id, user_id = excluded.user_id, hash = excluded.hash,
    ended = false, updated_at = now()
""",  # noqa: S608
    f"""
UPDATE roster_staged_membership AS s SET fault = 'CHANGED'
WHERE {_RANGE} AND s.action IN ('ADD', 'MOVE')
    AND NOT EXISTS (SELECT 1 FROM membership AS m WHERE m.id = s.target)
""",  # noqa: S608
)

# After all of the above: a membership ends when the last enrolment that stands for it has.
END_MEMBERSHIPS = (
    f"""
UPDATE roster_membership AS l SET ended = true, import_id = i.id, updated_at = now()
FROM roster_staged_membership AS s {_IMPORT}
WHERE {_RANGE} AND s.action = 'END'
    AND l.organisation_id = i.organisation_id AND l.kind = s.kind AND l.sourced_id = s.sourced_id
""",  # noqa: S608
    _audited(
        f"""
UPDATE membership AS m SET ends_at = now(), version = m.version + 1, updated_at = now()
WHERE m.id IN (
        SELECT CASE WHEN s.action = 'MOVE' THEN s.previous ELSE s.target END
        FROM roster_staged_membership AS s WHERE {_RANGE} AND s.action IN ('END', 'MOVE')
    )
    AND m.source = 'ROSTER' AND (m.ends_at IS NULL OR m.ends_at > now())
    AND NOT EXISTS (
        SELECT 1 FROM roster_membership AS l WHERE l.membership_id = m.id AND NOT l.ended
    )
RETURNING m.id, m.person_id
""",  # noqa: S608
        "UPDATE",
        "Membership",
        "d.person_id",
    ),
)
