-- What the phases that end a matching, a check or an application read and write.

-- name: find_end_of_page_of_groups
SELECT sourced_id FROM roster_group
WHERE organisation_id = $1::uuid AND sourced_id > $2::text
ORDER BY sourced_id LIMIT 1 OFFSET $3::int8

-- name: find_end_of_page_of_people
SELECT sourced_id FROM roster_person
WHERE organisation_id = $1::uuid AND sourced_id > $2::text
ORDER BY sourced_id LIMIT 1 OFFSET $3::int8

-- name: find_end_of_page_of_memberships
SELECT sourced_id FROM roster_membership
WHERE organisation_id = $1::uuid AND sourced_id > $2::text AND kind = $4::text
ORDER BY sourced_id LIMIT 1 OFFSET $3::int8

-- name: find_any_ending
SELECT 1 FROM roster_import AS i WHERE i.id = $1::uuid AND (
    i.ends_enrollments OR i.ends_roles OR i.ends_users
    OR EXISTS (SELECT 1 FROM roster_staged_group AS g
        WHERE g.import_id = i.id AND g.action = 'END')
    OR EXISTS (SELECT 1 FROM roster_staged_person AS p
        WHERE p.import_id = i.id AND p.action = 'END')
)

-- name: drop_changes
DELETE FROM roster_change WHERE import_id = $1::uuid

-- name: add_changes
INSERT INTO roster_change (id, import_id, position, kind, action, line, sourced_id, sentence)
SELECT (e.v->>0)::uuid, $1::uuid, (e.v->>1)::int8, e.v->>2, e.v->>3, (e.v->>4)::int8, e.v->>5,
    e.v->>6
FROM jsonb_array_elements($2::jsonb) AS e (v)

-- name: drop_result
-- An address that leads nowhere is worse than none.
UPDATE job SET result_key = NULL WHERE id = $2::uuid AND result_key = $1::text
