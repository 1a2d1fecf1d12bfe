-- Which job a free worker takes, or a busy one yields to; `choice.py` runs it.

-- name: choose
-- A job of an organisation counts against it, another against the person who requested it.
WITH interactive_kind AS (
    SELECT e.value AS kind FROM jsonb_array_elements_text($2::jsonb) AS e(value)
), running AS (
    SELECT coalesce(organisation_id, person_id) AS holder,
        kind IN (SELECT k.kind FROM interactive_kind AS k) AS interactive
    FROM job WHERE state = 'RUNNING' AND lease_until >= now()
        AND ($5::uuid IS NULL OR id <> $1::uuid)
), load AS (
    SELECT holder, count(*) AS jobs, count(CASE WHEN NOT interactive THEN 1 END) AS bulk
    FROM running GROUP BY holder
), due AS (
    SELECT w.id, coalesce(w.organisation_id, w.person_id) AS holder, w.since,
        w.kind IN (SELECT k.kind FROM interactive_kind AS k) AS interactive
    FROM (
        SELECT id, kind, organisation_id, person_id, not_before AS since FROM job
        WHERE state = 'QUEUED' AND not_before <= now() - $6::float8 * interval '1 second'
        UNION ALL
        SELECT id, kind, organisation_id, person_id, lease_until AS since FROM job
        WHERE state = 'RUNNING' AND lease_until < now() - $6::float8 * interval '1 second'
    ) AS w
)
SELECT d.id, d.interactive
FROM due AS d LEFT JOIN load AS l ON l.holder = d.holder
WHERE (
        d.interactive OR (
            (SELECT count(*) FROM running AS r WHERE NOT r.interactive) < $3::int8
            AND coalesce(l.bulk, 0) < $4::int8
        )
    ) AND (
        $5::uuid IS NULL OR d.interactive OR (
            d.holder <> $5::uuid AND coalesce(l.jobs, 0)
                <= coalesce((SELECT o.jobs FROM load AS o WHERE o.holder = $5::uuid), 0)
        )
    )
ORDER BY CASE WHEN d.interactive OR d.since < now() - interval '60 seconds' THEN 0 ELSE 1 END,
    coalesce(l.jobs, 0), CASE WHEN d.id = $1::uuid THEN 0 ELSE 1 END, d.since, d.id
LIMIT 1;
