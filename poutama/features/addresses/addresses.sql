-- Conflicts over addresses, and what follows when they are decided.

-- name: find
SELECT c.id, c.person_id, c.kind, c.source, c.claimant, c.email, c.decision, c.proposal,
    c.proposed_by, c.version,
    c.organisation_id IN ({deciders}) AS decides,
    EXISTS (SELECT 1 FROM person AS p WHERE p.id = c.person_id AND lower(p.email) = c.email)
        AS has_address
FROM address_conflict AS c WHERE c.id = $1::uuid

-- name: resolve_alike
-- The same claim in other organisations, of the same name; and every claim, once the address is free.
UPDATE address_conflict AS a SET
    decision = $2::text, decided_by = $3::uuid, decided_at = now(), version = a.version + 1,
    updated_at = now()
FROM address_conflict AS c
WHERE c.id = $4::uuid AND a.person_id = $1::uuid AND a.id <> c.id AND a.decision IS NULL
    AND ($2::text = {different_people}
        OR (a.kind = c.kind AND a.source = c.source AND a.claimant = c.claimant
            AND a.claimed_name IS NOT DISTINCT FROM c.claimed_name))

-- name: find_unaccepted
SELECT m.id FROM membership AS m
WHERE m.person_id = $1::uuid AND m.accepted_at IS NULL AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY m.id

-- name: unlink
-- Rows of rosters that stand for the person by the address alone, where neither the person (who
-- would belong there) nor an administrator has said that they are the same.
DELETE FROM roster_person AS l
WHERE l.person_id = $1::uuid AND NOT l.made AND NOT EXISTS (
    SELECT 1 FROM membership AS m
    WHERE m.person_id = l.person_id AND m.organisation_id = l.organisation_id
        AND m.accepted_at IS NOT NULL AND (m.ends_at IS NULL OR m.ends_at > now())
) AND NOT EXISTS (
    SELECT 1 FROM address_conflict AS a
    WHERE a.person_id = l.person_id AND a.kind = {roster} AND a.decision = {same_person}
        AND a.source = l.organisation_id::text AND a.claimant = l.sourced_id
)

-- name: find_bound
SELECT i.person_id FROM identity AS i WHERE i.issuer = $1::text AND i.subject = $2::text

-- name: unbind
DELETE FROM identity WHERE person_id = $1::uuid AND issuer = $2::text

-- name: bind
INSERT INTO identity (issuer, subject, person_id) VALUES ($1::text, $2::text, $3::uuid)

-- name: find_free
-- Whose address a roster claims for another row, within its organisation's own mail domains, and
-- who left long enough ago.
SELECT DISTINCT p.id
FROM address_conflict AS c JOIN person AS p ON p.id = c.person_id AND lower(p.email) = c.email
WHERE c.kind = {roster} AND c.decision IS NULL AND {is_verified} AND {has_domain} AND {has_left}
    AND NOT EXISTS (
    SELECT 1 FROM membership AS m
    WHERE m.person_id = p.id AND m.ends_at > now() - $1::int8 * interval '1 day'
) AND NOT EXISTS (
    SELECT 1 FROM roster_person AS l
    WHERE l.person_id = p.id AND l.updated_at > now() - $1::int8 * interval '1 day'
)
ORDER BY p.id LIMIT $2::int8

-- name: resolve_freed
UPDATE address_conflict SET
    decision = {different_people}, decided_at = now(), version = version + 1, updated_at = now()
WHERE person_id = $1::uuid AND decision IS NULL
