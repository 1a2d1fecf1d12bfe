-- Writes rows of a file, as JSON, into the staged tables.

-- name: add_groups
INSERT INTO roster_staged_group
    (import_id, sourced_id, place, line, hash, refused, removed, name, name_search, begins_at,
    ends_at, bare)
SELECT $1::uuid, e.v->>0, (e.v->>1)::int8, (e.v->>2)::int8, e.v->>3, (e.v->>4)::bool,
    (e.v->>5)::bool, e.v->>6, e.v->>7, (e.v->>8)::timestamptz, (e.v->>9)::timestamptz,
    (e.v->>10)::bool
FROM jsonb_array_elements($2::jsonb) AS e (v)

-- name: add_people
INSERT INTO roster_staged_person
    (import_id, sourced_id, place, line, hash, refused, removed, name, email, username, in_family,
    used, name_search, student)
SELECT $1::uuid, e.v->>0, (e.v->>1)::int8, (e.v->>2)::int8, e.v->>3, (e.v->>4)::bool,
    (e.v->>5)::bool, e.v->>6, e.v->>7, e.v->>8, (e.v->>9)::bool, (e.v->>10)::bool,
    e.v->>11, (e.v->>12)::bool
FROM jsonb_array_elements($2::jsonb) AS e (v)
-- Only a row of a family has another one after it.
ON CONFLICT (import_id, sourced_id) DO UPDATE SET
    line = excluded.line, hash = excluded.hash, refused = excluded.refused,
    removed = excluded.removed, name = excluded.name, name_search = excluded.name_search,
    email = excluded.email, username = excluded.username, in_family = excluded.in_family,
    student = roster_staged_person.student OR excluded.student

-- name: add_memberships
INSERT INTO roster_staged_membership
    (import_id, sourced_id, place, line, hash, refused, removed, kind, class_id, user_id, role,
    begins_at, ends_at)
SELECT $1::uuid, e.v->>0, (e.v->>1)::int8, (e.v->>2)::int8, e.v->>3, (e.v->>4)::bool,
    (e.v->>5)::bool, e.v->>6, e.v->>7, e.v->>8, e.v->>9, (e.v->>10)::timestamptz,
    (e.v->>11)::timestamptz
FROM jsonb_array_elements($2::jsonb) AS e (v)

-- name: set_roles
-- A user with a role in a family and no other is not made a person.
UPDATE roster_staged_person AS p SET
    in_family = p.in_family OR r.in_family, used = p.used OR r.used
FROM (
    SELECT e.v->>0 AS user_id, bool_or((e.v->>1)::bool) AS in_family,
        bool_or((e.v->>2)::bool) AS used
    FROM jsonb_array_elements($2::jsonb) AS e (v) GROUP BY e.v->>0
) AS r
WHERE p.import_id = $1::uuid AND p.sourced_id = r.user_id

-- name: set_enrolled
-- A parent who is in a class is a person.
UPDATE roster_staged_person AS p SET used = true
FROM (SELECT DISTINCT e.v->>0 AS user_id FROM jsonb_array_elements($2::jsonb) AS e (v)) AS r
WHERE p.import_id = $1::uuid AND p.sourced_id = r.user_id AND p.in_family AND NOT p.used

-- name: set_students
UPDATE roster_staged_person AS p SET student = true
FROM (SELECT DISTINCT e.v->>0 AS user_id FROM jsonb_array_elements($2::jsonb) AS e (v)) AS r
WHERE p.import_id = $1::uuid AND p.sourced_id = r.user_id AND NOT p.student

-- name: find_people
-- A row of a family counts only where there is no other.
SELECT sourced_id FROM roster_staged_person WHERE import_id = $1::uuid
    AND sourced_id IN (SELECT jsonb_array_elements_text($2::jsonb)) AND NOT in_family

-- name: find_memberships
-- An id names another membership in each kind of file.
SELECT sourced_id FROM roster_staged_membership WHERE import_id = $1::uuid AND kind = $3::text
    AND sourced_id IN (SELECT jsonb_array_elements_text($2::jsonb))

