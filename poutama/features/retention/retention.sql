-- The end of keeping: people who left long enough ago.

-- name: find_departed
-- Those who left, and those who were invited and neither accepted nor signed in.
SELECT found.person_id FROM (
    SELECT m.person_id
    FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id
    WHERE m.accepted_at IS NOT NULL AND m.ends_at <= now() - {keeping}
    UNION
    SELECT p.id AS person_id
    FROM person AS p
    WHERE p.created_at <= now() - {invitation} AND NOT EXISTS (
        SELECT 1 FROM identity AS i WHERE i.person_id = p.id
    ) AND NOT EXISTS (
        SELECT 1 FROM membership AS a WHERE a.person_id = p.id AND a.accepted_at IS NOT NULL
    )
) AS found
WHERE NOT EXISTS (
    SELECT 1 FROM membership AS k JOIN organisation AS ko ON ko.id = k.organisation_id
    WHERE k.person_id = found.person_id AND {is_kept}
)
LIMIT {batch};

-- name: check_departed
-- Checked again: a person may have come back, or signed in, since they were found.
SELECT p.id FROM person AS p
WHERE p.id IN (SELECT e.id::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (id))
    AND NOT EXISTS (
        SELECT 1 FROM membership AS k JOIN organisation AS ko ON ko.id = k.organisation_id
            WHERE k.person_id = p.id AND {is_kept}
    )
    AND (
        EXISTS (
            SELECT 1 FROM membership AS a WHERE a.person_id = p.id AND a.accepted_at IS NOT NULL
        )
        OR NOT EXISTS (SELECT 1 FROM identity AS i WHERE i.person_id = p.id)
    );
