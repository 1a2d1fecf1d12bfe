-- Reminders of goals that are due soon, or lately overdue.

-- name: find_organisations
SELECT id, time_zone FROM organisation WHERE id > $1::uuid ORDER BY id LIMIT {batch};

-- name: remind
-- A student of several organisations counts with the first.
INSERT INTO reminder (id, person_id, goal_id, kind, due_at)
SELECT gen_random_uuid(), d.person_id, d.id, d.kind, d.due_at
FROM (
    SELECT g.id, g.person_id, g.due_at,
        CASE WHEN g.due_at < $3::timestamptz THEN 'OVERDUE' ELSE 'DUE_SOON' END AS kind
    FROM membership AS m JOIN goal AS g ON g.person_id = m.person_id
    WHERE m.organisation_id = $1::uuid AND m.role = 'STUDENT' AND {m_counts}
        AND NOT EXISTS (
            SELECT 1 FROM membership AS f
            WHERE f.person_id = m.person_id AND f.role = 'STUDENT' AND {f_counts}
                AND (f.begins_at < m.begins_at OR (f.begins_at = m.begins_at AND f.id < m.id))
        )
        AND NOT g.complete AND g.due_at >= $2::timestamptz AND g.due_at < $4::timestamptz
) AS d
WHERE NOT EXISTS (
    SELECT 1 FROM reminder AS r
    WHERE r.goal_id = d.id AND r.kind = d.kind AND r.due_at = d.due_at
)
LIMIT {batch}
ON CONFLICT DO NOTHING
RETURNING 1;

-- name: purge
DELETE FROM reminder WHERE id IN (
    SELECT r.id FROM reminder AS r JOIN goal AS g ON g.id = r.goal_id
    WHERE g.complete OR g.due_at IS NULL OR g.due_at <> r.due_at
        OR r.due_at < now() - interval '{kept_days} days'
        OR (r.kind = 'DUE_SOON' AND EXISTS (
            SELECT 1 FROM reminder AS o
            WHERE o.goal_id = r.goal_id AND o.kind = 'OVERDUE' AND o.due_at = r.due_at
        ))
    LIMIT {batch}
) RETURNING 1;
