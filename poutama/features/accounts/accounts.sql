-- Codes by which students claim their accounts.

-- name: find_students
-- Of a group, or one of them: current students whom the organisation's roster made without an address,
-- and who have never signed in.
SELECT DISTINCT p.id, p.name, coalesce((
    SELECT min(u.username) FROM roster_person AS u
    WHERE u.person_id = p.id AND (u.organisation_id = m.organisation_id) IS TRUE
), '') AS username, m.organisation_id
FROM membership AS m JOIN person AS p ON p.id = m.person_id
WHERE m.group_id = $1::uuid AND ($2::uuid IS NULL OR m.person_id = $2::uuid) AND {is_student}
    AND {may_claim}
ORDER BY p.name, p.id

-- name: end_codes
SELECT c.id, now() AS ended_at FROM account_code AS c
WHERE c.person_id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
    AND c.used_at IS NULL AND c.ended_at IS NULL

-- name: new_codes
SELECT gen_random_uuid() AS id, $2::uuid AS organisation_id, (e.v->>0)::uuid AS person_id,
    $3::uuid AS made_by_id, e.v->>1 AS digest, now() + $4::int8 * interval '1 day' AS expires_at
FROM jsonb_array_elements($1::jsonb) AS e (v)

-- name: find_code
-- `counts`: the person is still to sign in and without an address, and has been the organisation's student
-- ever since; it has been verified ever since, and no one has claimed an address that they had.
SELECT c.id, c.person_id, c.organisation_id, c.used_at IS NOT NULL AS used,
    c.used_at IS NULL AND c.ended_at IS NULL AND c.expires_at > now() AND {still_may_claim}
    AND EXISTS (
        SELECT 1 FROM membership AS m
        WHERE m.person_id = c.person_id AND (m.organisation_id = c.organisation_id) IS TRUE
            AND {is_student}
    ) AND NOT {has_left_since}
    AND NOT EXISTS (
        SELECT 1 FROM organisation AS v WHERE v.id = c.organisation_id AND v.verified_at > c.created_at
    )
    AND NOT EXISTS (
        SELECT 1 FROM address_conflict AS a
        WHERE a.person_id = c.person_id AND a.decided_at > c.created_at
    ) AS counts
FROM account_code AS c
WHERE c.digest = $1::text

-- name: find_bound
SELECT i.person_id FROM identity AS i WHERE i.issuer = $1::text AND i.subject = $2::text

-- name: bind
INSERT INTO identity (issuer, subject, person_id) VALUES ($1::text, $2::text, $3::uuid)

-- name: used_code
SELECT $1::uuid AS id, now() AS used_at

-- name: purge_codes
-- Those that were used stay with the person: they say who made the account theirs.
DELETE FROM account_code WHERE used_at IS NULL AND expires_at < now() - interval '1 day'

-- name: purge_sign_ins
DELETE FROM new_sign_in WHERE settled_at < now() - interval '1 day'
