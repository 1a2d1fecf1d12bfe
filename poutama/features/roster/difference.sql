-- Reads the difference that an import makes from its staged rows.

-- name: count_changes
SELECT
    (SELECT count(*) FROM roster_staged_group AS g
        WHERE g.import_id = $1::uuid AND g.action = 'ADD') AS groups_added,
    (SELECT count(*) FROM roster_staged_group AS g
        WHERE g.import_id = $1::uuid AND g.action = 'CHANGE') AS groups_changed,
    (SELECT count(*) FROM roster_staged_group AS g
        WHERE g.import_id = $1::uuid AND g.action = 'END') AS groups_ended,
    (SELECT count(*) FROM roster_staged_person AS p
        WHERE p.import_id = $1::uuid AND p.action = 'ADD') AS people_added,
    (SELECT count(*) FROM roster_staged_person AS p
        WHERE p.import_id = $1::uuid AND p.action = 'CHANGE') AS people_changed,
    (SELECT count(*) FROM roster_staged_person AS p
        WHERE p.import_id = $1::uuid AND p.action = 'END') AS people_ended,
    (SELECT count(DISTINCT m.target) FROM roster_staged_membership AS m
        WHERE m.import_id = $1::uuid AND m.action IN ('ADD', 'MOVE')
            AND (m.found = 'NEW' OR (m.found = 'OFFERED' AND m.accepts)))
        AS memberships_added,
    (SELECT count(DISTINCT m.target) FROM roster_staged_membership AS m
        WHERE m.import_id = $1::uuid AND {is_invited} AND m.asks = {other_domain})
        AS invited_other_domain,
    (SELECT count(DISTINCT m.target) FROM roster_staged_membership AS m
        WHERE m.import_id = $1::uuid AND {is_invited} AND m.asks = {own_decision})
        AS invited_own_decision,
    (SELECT count(DISTINCT m.target) FROM roster_staged_membership AS m
        WHERE m.import_id = $1::uuid AND m.action = 'CHANGE') AS memberships_changed,
    (SELECT count(DISTINCT m.previous) FROM roster_staged_membership AS m
        WHERE m.import_id = $1::uuid AND m.ending = 'ROSTER') AS memberships_ended,
    (SELECT count(DISTINCT l.membership_id)
        FROM roster_membership AS l JOIN membership AS m ON m.id = l.membership_id
        WHERE l.organisation_id = i.organisation_id AND NOT l.ended AND m.source = 'ROSTER'
            AND (m.ends_at IS NULL OR m.ends_at > now())) AS memberships_before
FROM roster_import AS i WHERE i.id = $1::uuid

-- name: read_groups
SELECT s.place, s.line, s.sourced_id, s.action, s.found, s.name, g.name AS old_name, {is_renamed} AS is_renamed
FROM roster_staged_group AS s LEFT JOIN learning_group AS g ON g.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE', 'END') AND s.fault IS NULL
    AND ($4::text IS NULL OR s.action = $4::text)
ORDER BY s.place LIMIT $5::int8

-- name: read_people
-- Of a person who does not belong there, the name in the file is shown, and no other; that the address
-- has an account, only of a person who belongs there.
SELECT s.place, s.line, s.sourced_id, s.action, s.found, s.returns, s.takes_name, s.takes_email,
    s.shared, {address} AS email,
    CASE WHEN s.found IN ('EMAIL', 'USERNAME') THEN {belongs} ELSE false END AS belongs,
    coalesce(nullif(s.name, ''), {person_name}) AS name,
    CASE WHEN s.takes_name THEN p.name END AS old_name
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    LEFT JOIN person AS p ON p.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE', 'END')
    AND ($4::text IS NULL OR s.action = $4::text)
ORDER BY s.place LIMIT $5::int8

-- name: read_memberships
-- What ends is described as it is here: the row may have nothing but its id.
SELECT s.place, s.line, s.sourced_id, s.action, s.found, s.role, s.asks, s.user_id,
    w.ended_at IS NOT NULL AS revives,
    {leads} AS leads, {studies} AS studies,
    coalesce(nullif(p.name, ''), {member_name}) AS name,
    coalesce(g.name, w.name, s.class_id) AS group_name,
    o.role AS old_role, v.name AS old_group,
    coalesce(o.person_id <> s.person_id, false) AS replaces,
    CASE WHEN o.id IS NOT NULL THEN coalesce(
        CASE WHEN o.person_id = s.person_id THEN nullif(p.name, '') END, {former_name}
    ) END AS old_name,
    CASE WHEN o.id IS NOT NULL THEN (
        SELECT l.sourced_id FROM roster_person AS l
        WHERE l.person_id = o.person_id AND (l.organisation_id = i.organisation_id) IS TRUE
        ORDER BY l.sourced_id = s.user_id DESC, l.ended, l.sourced_id LIMIT 1
    ) END AS old_user_id
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
    LEFT JOIN roster_staged_person AS p ON p.import_id = s.import_id AND p.sourced_id = s.user_id
    LEFT JOIN roster_staged_group AS g ON g.import_id = s.import_id AND g.sourced_id = s.class_id
    LEFT JOIN learning_group AS w ON w.id = s.group_id
    LEFT JOIN membership AS o ON o.id = s.previous
    LEFT JOIN learning_group AS v ON v.id = o.group_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE', 'MOVE', 'END')
    AND (s.action <> 'END' OR s.ending NOT IN ('OVER', 'HELD'))
    AND ($4::text IS NULL OR s.action = $4::text)
ORDER BY s.place LIMIT $5::int8

-- name: read_faults_of_people
-- Of the person who has the address, the name is shown only while they belong there: a file must
-- not find out who has an account, nor what a person who left is called since.
SELECT s.line, s.sourced_id, s.fault, s.email, s.name, '' AS class_id, '' AS user_id, '' AS kind,
    (SELECT p.name FROM person AS p WHERE p.id = s.target AND s.fault = 'TAKEN'
        AND {belongs}) AS holder
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.fault IS NOT NULL ORDER BY s.place

-- name: read_faults_of_memberships
SELECT s.line, s.sourced_id, s.fault, '' AS email, '' AS name, '' AS holder, s.class_id,
    s.user_id, s.kind
FROM roster_staged_membership AS s
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.fault IS NOT NULL ORDER BY s.place

