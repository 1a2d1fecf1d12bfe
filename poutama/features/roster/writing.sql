-- Does what the staged rows of an import say. Of each statement the parameters are the import, and
-- the place from which and the place before which. `new_*` and `changed_*` are queries:
-- `bulk_changes` writes the rows that they return.

-- name: new_groups
SELECT s.target AS id, i.organisation_id, s.name, s.name_search
FROM roster_staged_group AS s JOIN roster_import AS i ON i.id = s.import_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8 AND s.action = 'ADD'

-- name: changed_groups
SELECT g.id, s.name, s.name_search
FROM roster_staged_group AS s JOIN learning_group AS g ON g.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action = 'CHANGE' AND {is_renamed}

-- name: link_groups
-- Where a file does not have the terms of a class, those that were known bound it.
INSERT INTO roster_group
    (organisation_id, sourced_id, group_id, import_id, hash, begins_at, ends_at)
SELECT i.organisation_id, s.sourced_id, g.id, i.id, s.hash, s.begins_at, s.ends_at
FROM roster_staged_group AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN learning_group AS g ON g.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE')
ON CONFLICT (organisation_id, sourced_id) DO UPDATE SET
    group_id = excluded.group_id, import_id = excluded.import_id, hash = excluded.hash,
    begins_at = coalesce(excluded.begins_at, roster_group.begins_at),
    ends_at = coalesce(excluded.ends_at, roster_group.ends_at),
    ended = false, updated_at = now()

-- name: end_links_of_groups
UPDATE roster_group AS l SET ended = true, import_id = i.id, updated_at = now()
FROM roster_staged_group AS s JOIN roster_import AS i ON i.id = s.import_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8 AND s.action = 'END'
    AND l.organisation_id = i.organisation_id AND l.sourced_id = s.sourced_id

-- name: freed_people
-- Matched again: whom others' rosters made with an address of this organisation's mail domain.
SELECT p.id, NULL::text AS email
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN person AS p ON p.email = s.email
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.fault = 'FREED' AND {is_squatted}

-- name: new_people
SELECT s.target AS id, nullif({address}, '') AS email, s.name, s.name_search
FROM roster_staged_person AS s
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action = 'ADD' AND s.found = 'NEW'

-- name: lost_offers
-- What others offered to an address that is found to be several people's, and was not accepted.
SELECT m.id, now() AS ends_at
FROM roster_staged_person AS s JOIN membership AS m ON m.person_id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.shared AND s.takes_email AND m.source = 'INVITED' AND m.accepted_at IS NULL
    AND (m.ends_at IS NULL OR m.ends_at > now())

-- name: changed_people
-- Matched again: the person may have signed in or joined elsewhere, and the email may be taken.
SELECT p.id,
    CASE WHEN s.takes_name THEN s.name ELSE p.name END AS name,
    CASE WHEN s.takes_name THEN s.name_search ELSE p.name_search END AS name_search,
    CASE WHEN s.takes_email AND s.shared
        AND NOT EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = p.id) THEN NULL
        WHEN s.takes_email AND NOT s.shared AND {own_domain}
        AND NOT EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = p.id)
        AND NOT EXISTS (SELECT 1 FROM person AS q WHERE q.email = s.email)
        THEN s.email ELSE p.email END AS email
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN person AS p ON p.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE') AND (s.takes_name OR s.takes_email)
    -- A row that is new stands for the person by the address alone.
    AND (s.found = 'LINK' OR NOT ({is_taken}))
    AND {may_change}

-- name: link_people
-- Matched again: another organisation's roster may have come to stand for the person.
INSERT INTO roster_person
    (organisation_id, sourced_id, person_id, import_id, hash, made, username, shared_email)
SELECT i.organisation_id, s.sourced_id, p.id, i.id, s.hash, s.found = 'NEW',
    nullif(s.username, ''), CASE WHEN s.shared THEN md5(s.email) END
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN person AS p ON p.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE')
    AND (s.found <> 'EMAIL' OR NOT ({is_taken}))
ON CONFLICT (organisation_id, sourced_id) DO UPDATE SET
    import_id = excluded.import_id, hash = excluded.hash, username = excluded.username,
    shared_email = excluded.shared_email, ended = false, updated_at = now()

-- name: mark_students
-- Of all rows, also of those that are as they were: who was a student once stays marked.
UPDATE roster_person AS l SET student = true, updated_at = now()
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.student AND s.action IN ('ADD', 'CHANGE', 'SAME')
    AND l.organisation_id = i.organisation_id AND l.sourced_id = s.sourced_id AND NOT l.student

-- name: staff_of_people
SELECT m.id, false AS confirmed, p.name AS applicant_name
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN membership AS m
        ON m.person_id = s.target AND (m.organisation_id = i.organisation_id) IS TRUE
    JOIN person AS p ON p.id = m.person_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.student AND s.action IN ('ADD', 'CHANGE', 'SAME') AND {waits_again}

-- name: end_links_of_people
UPDATE roster_person AS l SET ended = true, import_id = i.id, updated_at = now()
FROM roster_staged_person AS s JOIN roster_import AS i ON i.id = s.import_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8 AND s.action = 'END'
    AND l.organisation_id = i.organisation_id AND l.sourced_id = s.sourced_id

-- name: mark_missing_people
UPDATE roster_staged_person AS s SET fault = 'CHANGED'
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8 AND s.action = 'ADD'
    AND NOT EXISTS (
        SELECT 1 FROM roster_person AS l JOIN roster_import AS i
            ON i.organisation_id = l.organisation_id
        WHERE i.id = s.import_id AND l.sourced_id = s.sourced_id AND l.person_id = s.target
    )

-- name: new_memberships
-- Decided again: the person may have left or joined elsewhere since the rows were matched. What is
-- offered, is offered to the address that the person has, whatever the row says: by that one it is
-- decided whether a second adult confirms them.
SELECT n.id, n.organisation_id, n.group_id, n.person_id, n.role, 'ROSTER' AS source, n.begins_at,
    n.ends_at, CASE WHEN n.enrols THEN now() END AS accepted_at,
    CASE WHEN NOT n.enrols THEN n.name END AS invited_name,
    CASE WHEN NOT n.enrols THEN n.email END AS invited_email,
    NOT (n.enrols AND n.waits) AS confirmed,
    CASE WHEN n.enrols AND n.waits THEN n.person_name END AS applicant_name, n.enrolled_by_id
FROM (
SELECT s.target AS id, i.organisation_id, i.actor_id AS enrolled_by_id, s.group_id, p.id AS person_id, s.role,
    coalesce(t.begins_at, now()) AS begins_at, t.ends_at, sp.name, p.email,
    s.accepts AND {may_enrol} AS enrols, {waits} AS waits, p.name AS person_name
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN person AS p ON p.id = s.person_id
    LEFT JOIN learning_group AS g ON g.id = s.group_id
    LEFT JOIN roster_staged_person AS sp
        ON sp.import_id = s.import_id AND sp.sourced_id = s.user_id
    JOIN ({spans}) AS t ON t.target = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'MOVE') AND s.found = 'NEW'
    AND (s.group_id IS NULL OR g.organisation_id = i.organisation_id)
) AS n

-- name: taken_memberships
-- Offers of others, by a code or by hand, that the school's enrolment takes the place of: they are
-- the roster's from now on. The roster also admits a student who would have waited for approval.
SELECT m.id, now() AS accepted_at, 'ROSTER' AS source, NULL::uuid AS granted_by_id,
    coalesce(t.begins_at, m.begins_at) AS begins_at, t.ends_at,
    CASE WHEN m.role = 'STUDENT' THEN true ELSE m.confirmed AND NOT {waits} END AS confirmed,
    CASE WHEN m.confirmed OR m.role <> 'STUDENT' THEN m.confirmed_at ELSE now() END AS confirmed_at,
    CASE WHEN m.confirmed OR m.role <> 'STUDENT' THEN m.confirmed_by_id ELSE i.actor_id END
        AS confirmed_by_id,
    CASE WHEN m.role <> 'STUDENT' AND ({waits} OR NOT m.confirmed) THEN p.name END
        AS applicant_name,
    i.actor_id AS enrolled_by_id
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN membership AS m ON m.id = s.target JOIN person AS p ON p.id = m.person_id
    JOIN ({spans}) AS t ON t.target = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'MOVE') AND s.found = 'OFFERED' AND s.accepts AND m.accepted_at IS NULL
    AND {may_enrol}

-- name: new_consents
-- Of memberships that count without asking: the school enrols under its own privacy notice.
SELECT gen_random_uuid() AS id, m.person_id, m.organisation_id, m.id AS membership_id, m.role,
    'SCHOOL' AS basis, i.notice_version, i.actor_id AS given_by_id
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN membership AS m ON m.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'MOVE') AND s.accepts
    AND m.source = 'ROSTER' AND m.accepted_at IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM consent AS c WHERE c.membership_id = m.id AND c.withdrawn_at IS NULL
    )

-- name: link_memberships
INSERT INTO roster_membership
    (organisation_id, kind, sourced_id, membership_id, import_id, class_id, user_id, hash,
    begins_at, ends_at)
SELECT i.organisation_id, s.kind, s.sourced_id, m.id, i.id, s.class_id, s.user_id, s.hash,
    s.from_at, s.until_at
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN membership AS m ON m.id = s.target
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'CHANGE', 'MOVE')
ON CONFLICT (organisation_id, kind, sourced_id) DO UPDATE SET
    membership_id = excluded.membership_id, import_id = excluded.import_id,
    class_id = excluded.class_id, user_id = excluded.user_id, hash = excluded.hash,
    begins_at = excluded.begins_at, ends_at = excluded.ends_at,
    ended = false, updated_at = now()

-- name: returned_groups
-- That were put away, and in which the roster enrols a person.
SELECT g.id, NULL::timestamptz AS ended_at
FROM learning_group AS g
WHERE g.ended_at IS NOT NULL AND g.id IN (
    SELECT s.group_id FROM roster_staged_membership AS s JOIN membership AS m ON m.id = s.target
    WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
        AND s.action IN ('ADD', 'MOVE')
)

-- name: mark_missing_memberships
UPDATE roster_staged_membership AS s SET fault = 'CHANGED'
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('ADD', 'MOVE')
    AND NOT EXISTS (SELECT 1 FROM membership AS m WHERE m.id = s.target)

-- name: end_links_of_memberships
UPDATE roster_membership AS l SET ended = true, import_id = i.id, updated_at = now()
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8 AND s.action = 'END'
    AND l.organisation_id = i.organisation_id AND l.kind = s.kind AND l.sourced_id = s.sourced_id

-- name: changed_memberships
-- All links are as they are to be: the membership lasts as long as they say together.
SELECT f.id, f.begins_at, f.ends_at
FROM (
    SELECT t.id, t.old_end, t.old_beginning, t.ends_at, {beginning} AS begins_at
    FROM (
        SELECT m.id, m.begins_at AS old_beginning, m.ends_at AS old_end, {linked_span}
        FROM membership AS m JOIN roster_membership AS l ON l.membership_id = m.id
        WHERE m.id IN (
                SELECT s.target FROM roster_staged_membership AS s
                WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
                    AND s.action IN ('ADD', 'CHANGE', 'MOVE')
                UNION ALL SELECT s.previous FROM roster_staged_membership AS s
                WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
                    AND s.previous IS NOT NULL
            )
            AND m.source = 'ROSTER' AND (m.ends_at IS NULL OR m.ends_at > now()) AND NOT l.ended
        GROUP BY m.id, m.begins_at, m.ends_at
    ) AS t
) AS f
WHERE f.begins_at <> f.old_beginning OR f.ends_at IS DISTINCT FROM f.old_end

-- name: staff_of_memberships
-- All of the import's memberships are as they are to be: what else their people are counts as well.
SELECT m.id, false AS confirmed, p.name AS applicant_name
FROM membership AS m JOIN person AS p ON p.id = m.person_id
WHERE m.person_id IN (
        SELECT s.person_id FROM roster_staged_membership AS s
        WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    )
    AND (m.organisation_id = (
        SELECT i.organisation_id FROM roster_import AS i WHERE i.id = $1::uuid
    )) IS TRUE AND {waits_again}

-- name: ended_memberships
-- A membership ends when the last enrolment that stands for it has.
SELECT m.id, now() AS ends_at
FROM membership AS m
WHERE m.id IN (
        SELECT s.previous
        FROM roster_staged_membership AS s
        WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
            AND s.action IN ('END', 'MOVE')
    )
    AND m.source = 'ROSTER' AND (m.ends_at IS NULL OR m.ends_at > now())
    AND NOT EXISTS (
        SELECT 1 FROM roster_membership AS l WHERE l.membership_id = m.id AND NOT l.ended
    )

-- name: withdrawn_consents
SELECT c.id, m.ends_at AS withdrawn_at, i.actor_id AS withdrawn_by_id
FROM roster_staged_membership AS s JOIN roster_import AS i ON i.id = s.import_id
    JOIN membership AS m ON m.id = s.previous
    JOIN consent AS c ON c.membership_id = m.id
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.action IN ('END', 'MOVE') AND m.ends_at <= now() AND c.withdrawn_at IS NULL
