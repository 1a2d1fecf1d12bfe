-- Reads an import, and returns what becomes of it: `bulk_changes` writes the rows of the queries
-- that begin with `with_` and of the three `*_import` at the end.

-- name: load
SELECT i.organisation_id, i.actor_id, i.job_id, i.check_job_id, i.object_key, i.report_key,
    i.sha256, i.managers, i.schools, i.memberships_ended, i.memberships_before, o.time_zone,
    o.verified
FROM roster_import AS i JOIN organisation AS o ON o.id = i.organisation_id
WHERE i.id = $1::uuid

-- name: with_source
SELECT i.id, $2::text AS source, $3::bool AS accepts
FROM roster_import AS i WHERE i.id = $1::uuid

-- name: with_endings
SELECT i.id, $3::int8 AS rows_read,
    coalesce(($2::jsonb->>'classes')::bool, false) AS ends_classes,
    coalesce(($2::jsonb->>'users')::bool, false) AS ends_users,
    coalesce(($2::jsonb->>'roles')::bool, false) AS ends_roles,
    coalesce(($2::jsonb->>'enrollments')::bool, false) AS ends_enrollments
FROM roster_import AS i WHERE i.id = $1::uuid

-- name: with_counts
SELECT i.id,
    ($2::jsonb->>'groups_added')::int8 AS groups_added,
    ($2::jsonb->>'groups_changed')::int8 AS groups_changed,
    ($2::jsonb->>'groups_ended')::int8 AS groups_ended,
    ($2::jsonb->>'people_added')::int8 AS people_added,
    ($2::jsonb->>'people_changed')::int8 AS people_changed,
    ($2::jsonb->>'people_ended')::int8 AS people_ended,
    ($2::jsonb->>'memberships_added')::int8 AS memberships_added,
    ($2::jsonb->>'invited_other_domain')::int8 AS invited_other_domain,
    ($2::jsonb->>'invited_own_decision')::int8 AS invited_own_decision,
    ($2::jsonb->>'memberships_changed')::int8 AS memberships_changed,
    ($2::jsonb->>'memberships_ended')::int8 AS memberships_ended,
    ($2::jsonb->>'memberships_before')::int8 AS memberships_before
FROM roster_import AS i WHERE i.id = $1::uuid

-- name: with_report
SELECT i.id, $2::text AS report_key FROM roster_import AS i WHERE i.id = $1::uuid

-- name: checked_import
SELECT i.id, 'CHECKED' AS state, now() AS checked_at, $2::int8 AS rows_refused
FROM roster_import AS i WHERE i.id = $1::uuid

-- name: applied_import
SELECT i.id, 'APPLIED' AS state, now() AS applied_at
FROM roster_import AS i WHERE i.id = $1::uuid

-- name: expired_import
SELECT i.id, 'EXPIRED' AS state, NULL::text AS upload_key, NULL::text AS report_key
FROM roster_import AS i WHERE i.id = $1::uuid
