-- Compares staged groups and people with what there is; `matching.py` says what must hold.

-- name: match_groups
UPDATE roster_staged_group AS s SET
    target = coalesce(f.group_id, gen_random_uuid()),
    action = CASE
        WHEN s.refused THEN 'NONE'
        WHEN s.removed THEN CASE WHEN NOT f.ended THEN 'END' ELSE 'NONE' END
        WHEN f.group_id IS NULL THEN 'ADD'
        WHEN f.ended OR f.hash <> s.hash THEN 'CHANGE'
        ELSE 'SAME' END
FROM (
    SELECT t.sourced_id, l.group_id, l.ended, l.hash
    FROM roster_staged_group AS t JOIN roster_import AS i ON i.id = t.import_id
        LEFT JOIN roster_group AS l
            ON l.organisation_id = i.organisation_id AND l.sourced_id = t.sourced_id
    WHERE t.import_id = $1::uuid AND t.place >= $2::int8 AND t.place < $3::int8
) AS f
WHERE s.import_id = $1::uuid AND s.sourced_id = f.sourced_id

-- name: end_groups
INSERT INTO roster_staged_group
    (import_id, sourced_id, place, line, hash, refused, removed, name, name_search, action, target)
SELECT i.id, l.sourced_id, (SELECT coalesce(max(x.place), -1) FROM roster_staged_group AS x
        WHERE x.import_id = $1::uuid) + row_number() OVER (ORDER BY l.sourced_id), 0, l.hash, false,
    true, g.name, g.name_search, 'END', l.group_id
FROM roster_import AS i JOIN roster_group AS l ON l.organisation_id = i.organisation_id
    JOIN learning_group AS g ON g.id = l.group_id
    LEFT JOIN roster_staged_group AS s ON s.import_id = i.id AND s.sourced_id = l.sourced_id
WHERE i.id = $1::uuid AND i.ends_classes AND NOT l.ended AND s.sourced_id IS NULL
    AND l.sourced_id > $2::text AND ($3::text IS NULL OR l.sourced_id <= $3::text)

-- name: mark_shared
-- No person has an address of several rows: siblings have a parent's. Rows that the file does not have
-- count as they were. Reads nothing that this statement changes.
UPDATE roster_staged_person AS s SET shared = (
    EXISTS (
        SELECT 1 FROM roster_staged_person AS o
        WHERE o.import_id = s.import_id AND o.email = s.email
            AND o.sourced_id <> s.sourced_id AND {other_wanted}
    ) OR EXISTS (
        SELECT 1 FROM roster_import AS i JOIN roster_person AS l
            ON l.organisation_id = i.organisation_id AND l.shared_email = md5(s.email)
        WHERE i.id = s.import_id AND l.sourced_id <> s.sourced_id AND NOT l.ended
            AND NOT i.ends_users AND NOT EXISTS (
                SELECT 1 FROM roster_staged_person AS o
                WHERE o.import_id = s.import_id AND o.sourced_id = l.sourced_id
            )
    )
)
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.email <> '' AND {wanted}

-- name: match_people
-- `IS TRUE`: so that people are found by the index on people, whatever the planner knows.
-- `taken`: the email is of a person whom another id stands or stood for, or who has left, and no
-- administrator has decided that they are the same.
UPDATE roster_staged_person AS s SET
    found = CASE WHEN f.linked IS NOT NULL THEN 'LINK'
        WHEN f.by_email IS NOT NULL THEN 'EMAIL'
        WHEN f.by_username IS NOT NULL THEN 'USERNAME' ELSE 'NEW' END,
    target = coalesce(f.linked, f.by_email, f.by_username, gen_random_uuid()),
    returns = coalesce(f.ended, false), takes_name = f.takes_name, takes_email = f.takes_email,
    fault = CASE WHEN NOT ({wanted}) THEN NULL
        WHEN f.linked IS NULL AND f.foreign_address THEN 'FOREIGN'
        WHEN f.linked IS NULL AND f.taken THEN 'TAKEN'
        WHEN f.squatted AND (f.linked IS NULL OR f.takes_email) THEN 'FREED'
        -- Alike for every row of a person who left: it is not compared with what they are now.
        WHEN f.differs AND f.signed_in AND NOT f.belongs THEN 'KEPT'
        WHEN f.other_email AND NOT f.own_domain THEN 'OTHER_DOMAIN'
        WHEN (f.other_name AND NOT f.takes_name) OR (f.other_email AND NOT f.takes_email)
            THEN 'KEPT'
        WHEN f.is_shared AND (f.email <> f.written_email OR f.takes_email) THEN 'SHARED' END,
    action = CASE WHEN s.refused THEN 'NONE'
        -- In a delta, a row of a family says nothing of what else the person is.
        WHEN NOT ({wanted}) THEN CASE WHEN NOT f.ended AND (s.removed OR f.ends_users)
            THEN 'END' ELSE 'NONE' END
        WHEN f.linked IS NULL AND (f.foreign_address OR f.taken) THEN 'NONE'
        WHEN f.linked IS NULL THEN 'ADD'
        WHEN f.ended OR f.takes_name OR f.takes_email OR f.is_shared <> f.was_shared THEN 'CHANGE'
        ELSE 'SAME' END
FROM (
    SELECT c.*, c.other_name AND c.may_change AS takes_name,
        CASE WHEN c.is_shared
            THEN c.email = c.written_email AND c.linked IS NOT NULL AND c.accepts
                AND c.may_change AND NOT c.signed_in
            ELSE c.other_email AND c.own_domain AND c.may_change AND NOT c.signed_in
                AND c.by_email IS NULL END AS takes_email
    FROM (
        SELECT m.*, m.differs AND m.name <> m.listed_name AS other_name,
            m.differs AND m.listed_email <> '' AND m.email <> m.listed_email AS other_email
        FROM (
            -- With the ids of another system, the row of a person whom an earlier row made.
            SELECT t.sourced_id, t.name AS listed_name, t.address AS listed_email,
                t.email AS written_email, t.shared AS is_shared,
                l.shared_email IS NOT NULL AS was_shared,
                l.person_id AS linked, l.ended, i.ends_users, coalesce(p.name, '') AS name,
                coalesce(p.email, '') AS email, e.id AS by_email, t.by_username,
                (coalesce(l.hash <> t.hash, true)
                    OR (l.shared_email IS NOT NULL AND NOT t.shared))
                    AND i.accepts AND {is_made} AS differs,
                i.accepts,
                {own_domain} AS own_domain,
                {may_change} AS may_change, {belongs} AS belongs, q.id IS NOT NULL AS squatted,
                CASE WHEN l.person_id IS NULL THEN {is_foreign} ELSE false END AS foreign_address,
                EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = p.id) AS signed_in,
                CASE WHEN l.person_id IS NULL AND e.id IS NOT NULL THEN {is_taken}
                    ELSE false END AS taken
            FROM (
                SELECT r.import_id, r.sourced_id, r.place, r.name, r.email, r.hash, r.shared,
                    {address} AS address, {by_username} AS by_username
                FROM roster_staged_person AS r
                WHERE r.import_id = $1::uuid AND r.place >= $2::int8 AND r.place < $3::int8
            ) AS t JOIN roster_import AS i ON i.id = t.import_id
                LEFT JOIN roster_person AS l
                    ON l.organisation_id = i.organisation_id AND l.sourced_id = t.sourced_id
                LEFT JOIN person AS q ON q.email = t.address AND t.address <> '' AND {is_squatted}
                LEFT JOIN person AS e ON e.email = t.address AND t.address <> '' AND q.id IS NULL
                LEFT JOIN person AS p ON p.id = coalesce(l.person_id, e.id, t.by_username)
        ) AS m
    ) AS c
) AS f
WHERE s.import_id = $1::uuid AND s.sourced_id = f.sourced_id

-- name: refuse_rivals
-- Reads nothing that this statement changes: of two rows both are refused, whichever comes first.
UPDATE roster_staged_person AS s SET
    action = 'NONE', takes_email = false, fault = 'AMBIGUOUS'
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8 AND {wanted}
    AND s.found IN ('EMAIL', 'USERNAME') AND s.fault IS DISTINCT FROM 'TAKEN' AND EXISTS (
        SELECT 1 FROM roster_staged_person AS o
        WHERE o.import_id = s.import_id AND o.target = s.target
            AND o.sourced_id <> s.sourced_id AND {other_wanted}
    )

-- name: end_people
INSERT INTO roster_staged_person
    (import_id, sourced_id, place, line, hash, refused, removed, name, email, in_family, used,
    action, found, target)
SELECT i.id, l.sourced_id, (SELECT coalesce(max(x.place), -1) FROM roster_staged_person AS x
        WHERE x.import_id = $1::uuid) + row_number() OVER (ORDER BY l.sourced_id), 0, l.hash, false,
    true, '', '', false, false, 'END', 'LINK', l.person_id
FROM roster_import AS i JOIN roster_person AS l ON l.organisation_id = i.organisation_id
    LEFT JOIN roster_staged_person AS s ON s.import_id = i.id AND s.sourced_id = l.sourced_id
WHERE i.id = $1::uuid AND i.ends_users AND NOT l.ended AND s.sourced_id IS NULL
    AND l.sourced_id > $2::text AND ($3::text IS NULL OR l.sourced_id <= $3::text)

-- name: drop_conflicts
-- What this import no longer claims: its row has another address now, or its person is known.
DELETE FROM address_conflict AS a
WHERE a.decision IS NULL AND a.kind = {roster} AND EXISTS (
    SELECT 1 FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
        AND i.organisation_id::text = a.source AND s.sourced_id = a.claimant
        AND (s.fault IS DISTINCT FROM 'TAKEN' OR s.target <> a.person_id)
)

-- name: record_conflicts_of_members
{record}
SELECT gen_random_uuid(), o.organisation_id, o.target, o.email, {roster}, o.importer_id,
    o.importer_id::text, o.sourced_id, o.name
FROM (
    SELECT DISTINCT d.organisation_id, s.target, s.email, i.organisation_id AS importer_id,
        s.sourced_id, s.name
    FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
        JOIN membership AS d ON d.person_id = s.target
    WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
        AND s.fault = 'TAKEN' AND i.accepts AND {member_decides}
        AND ({claims} OR d.organisation_id = i.organisation_id)
) AS o
{reopen}

-- name: record_conflicts_of_listed
{record}
SELECT gen_random_uuid(), d.organisation_id, s.target, s.email, {roster}, i.organisation_id,
    i.organisation_id::text, s.sourced_id, s.name
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN roster_person AS d ON d.person_id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.fault = 'TAKEN' AND i.accepts AND {listed_decides}
    AND ({claims} OR d.organisation_id = i.organisation_id)
    -- One row of each organisation.
    AND NOT EXISTS (
        SELECT 1 FROM roster_person AS l
        WHERE l.person_id = d.person_id AND (l.organisation_id = d.organisation_id) IS TRUE
            AND l.sourced_id < d.sourced_id
    )
{reopen}

-- name: record_conflicts_of_owners
{record}
SELECT gen_random_uuid(), d.organisation_id, s.target, s.email, {roster}, i.organisation_id,
    i.organisation_id::text, s.sourced_id, s.name
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN verified_domain AS d ON {concerns_owner}
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.fault = 'TAKEN' AND i.accepts AND {claims} AND {owner_decides}
{reopen}
