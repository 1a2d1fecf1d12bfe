-- Decides which memberships are added, changed and ended; `membership_changes.py` says what must
-- hold.

-- name: match_memberships
-- `found` is what the ids of the file stand for; a row that could not be used leaves what there is.
-- `IS TRUE` keeps the index on organisations out of it: a planner that knows nothing of the tables
-- yet would read all of an organisation's memberships for each row.
WITH found AS (
    SELECT t.kind, t.sourced_id, t.role, t.refused, t.removed, t.hash, i.organisation_id, i.accepts,
        coalesce(t.begins_at, sg.begins_at, lg.begins_at) AS from_at,
        coalesce(t.ends_at, sg.ends_at, lg.ends_at) AS until_at,
        CASE WHEN t.kind <> 'ENROLMENT' THEN NULL
            WHEN sg.action IN ('ADD', 'CHANGE', 'SAME') THEN sg.target
            WHEN (sg.sourced_id IS NULL OR sg.refused) AND NOT lg.ended THEN lg.group_id
            END AS group_id,
        t.kind = 'ENROLMENT' AND lg.group_id IS NULL AND (sg.sourced_id IS NULL OR sg.refused)
            AS no_group,
        CASE WHEN sp.action IN ('ADD', 'CHANGE', 'SAME') THEN sp.target
            WHEN (sp.sourced_id IS NULL OR sp.refused) AND NOT lp.ended THEN lp.person_id
            END AS person_id,
        lp.person_id IS NULL AND (sp.sourced_id IS NULL OR sp.refused OR sp.fault IS NOT NULL)
            AND coalesce(sp.action, 'NONE') = 'NONE' AS no_person,
        coalesce(lp.made, sp.found = 'NEW', false) AS made,
        {listed_address} AS listed_email, coalesce(sp.takes_email, false) AS takes_email,
        lm.membership_id AS had, lm.hash AS old_hash, coalesce(lm.ended, true) AS ended,
        lm.begins_at AS old_from, lm.ends_at AS old_until,
        m.person_id AS old_person, m.group_id AS old_group, m.role AS old_role,
        coalesce(m.ends_at <= now(), false) AS over, m.ended_by_id IS NOT NULL AS by_hand, m.source
    FROM roster_staged_membership AS t JOIN roster_import AS i ON i.id = t.import_id
        LEFT JOIN roster_staged_group AS sg
            ON sg.import_id = t.import_id AND sg.sourced_id = t.class_id
        LEFT JOIN roster_group AS lg
            ON lg.organisation_id = i.organisation_id AND lg.sourced_id = t.class_id
        LEFT JOIN roster_staged_person AS sp
            ON sp.import_id = t.import_id AND sp.sourced_id = t.user_id
        LEFT JOIN roster_person AS lp
            ON lp.organisation_id = i.organisation_id AND lp.sourced_id = t.user_id
        LEFT JOIN roster_membership AS lm ON lm.organisation_id = i.organisation_id
            AND lm.kind = t.kind AND lm.sourced_id = t.sourced_id
        LEFT JOIN membership AS m ON m.id = lm.membership_id
    WHERE t.import_id = $1::uuid AND t.place >= $2::int8 AND t.place < $3::int8
), compared AS (
    -- One that ends on the day it begins was never.
    SELECT c.*, coalesce(c.until_at <= now() OR c.until_at <= c.from_at, false) AS past,
        c.old_person = c.person_id AND c.old_group IS NOT DISTINCT FROM c.group_id
            AND c.old_role = c.role AS stays,
        -- What a person has ended stays so until the row is another, not until a term is.
        c.old_hash = c.hash AND c.old_person = c.person_id AND ((c.over AND c.by_hand)
            OR (c.old_from IS NOT DISTINCT FROM c.from_at
                AND c.old_until IS NOT DISTINCT FROM c.until_at)) AS same
    FROM found AS c
), decided AS (
    SELECT d.*,
        CASE
            WHEN d.refused OR ((d.no_group OR d.no_person) AND NOT d.removed) THEN 'NONE'
            WHEN d.removed OR d.person_id IS NULL
                OR (d.kind = 'ENROLMENT' AND d.group_id IS NULL)
                -- One that is past and stands for what is there may still hold its beginning.
                OR (d.past AND (d.ended OR d.over OR NOT d.stays))
                THEN CASE WHEN d.ended THEN 'NONE' ELSE 'END' END
            WHEN d.ended THEN 'ADD'
            WHEN d.same THEN 'SAME'
            WHEN d.over THEN 'ADD'
            WHEN d.stays THEN 'CHANGE'
            ELSE 'MOVE' END AS planned
    FROM compared AS d
)
UPDATE roster_staged_membership AS s SET
    person_id = f.person_id, group_id = f.group_id, action = f.action,
    target = CASE
        WHEN f.action IN ('SAME', 'CHANGE', 'END') THEN f.had
        WHEN f.action IN ('ADD', 'MOVE') THEN coalesce(f.there, md5(
            $1::uuid::text || f.person_id::text || coalesce(f.group_id::text, '') || f.role
        )::uuid) END,
    previous = CASE WHEN f.action IN ('MOVE', 'END') THEN f.had END,
    ending = CASE WHEN f.action IN ('MOVE', 'END')
        THEN CASE WHEN f.over THEN 'OVER' ELSE f.source END END,
    from_at = f.from_at, until_at = f.until_at,
    found = CASE
        WHEN f.there IS NULL THEN 'NEW' WHEN f.offered THEN 'OFFERED' ELSE 'THERE' END,
    accepts = f.accepts AND f.asks IS NULL, asks = f.asks,
    fault = CASE WHEN f.refused OR f.removed THEN NULL
        WHEN f.lacks_address THEN 'NO_ADDRESS' WHEN f.paused THEN 'DECLINED'
        WHEN f.no_group THEN 'NO_CLASS' WHEN f.no_person THEN 'NO_USER'
        WHEN f.past AND f.action = 'NONE' THEN 'PAST' END
FROM (
    SELECT g.*, CASE WHEN NOT (g.paused OR g.lacks_address) THEN g.planned
        WHEN g.planned = 'MOVE' THEN 'END' ELSE 'NONE' END AS action
    FROM (
    -- A code leads to a student alone: an administrator would be two adults otherwise.
    SELECT h.*, h.planned IN ('ADD', 'MOVE') AND h.there IS NULL AND h.unreachable
            AND h.role <> 'STUDENT' AS lacks_address,
        h.planned IN ('ADD', 'MOVE') AND h.there IS NULL
        AND (h.asks IS NOT NULL OR NOT h.accepts) AND {has_declined} AS paused
    FROM (
    -- The address that the person has here, or gets by this import.
    SELECT a.*, {address} AS address, {is_unreachable} AS unreachable, e.id AS there, e.accepted_at IS NULL AS offered,
        CASE
            WHEN NOT ({has_domain} OR {is_own}) THEN {other_domain}
            WHEN {decides} OR NOT (a.made OR EXISTS (
                SELECT 1 FROM membership AS b
                WHERE b.person_id = a.person_id AND (b.organisation_id = a.organisation_id) IS TRUE
                    AND (b.role = 'STUDENT' OR a.role <> 'STUDENT') AND {counts}
            )) THEN {own_decision} END AS asks
    FROM decided AS a LEFT JOIN membership AS e
        ON e.person_id = a.person_id AND (e.organisation_id = a.organisation_id) IS TRUE
            AND e.role = a.role AND e.group_id IS NOT DISTINCT FROM a.group_id
            AND e.child_id IS NULL AND (e.ends_at IS NULL OR e.ends_at > now())
            AND (e.accepted_at IS NOT NULL OR e.expires_at IS NULL OR e.expires_at > now())
        LEFT JOIN person AS p ON p.id = a.person_id
    ) AS h ) AS g
) AS f
WHERE s.import_id = $1::uuid AND s.kind = f.kind AND s.sourced_id = f.sourced_id

-- name: end_memberships
-- Of one that stands in no file of this import the class or the person may end all the same.
INSERT INTO roster_staged_membership
    (import_id, sourced_id, place, line, hash, refused, removed, kind, class_id, user_id, role,
    action, ending, target, previous, person_id, group_id)
SELECT i.id, l.sourced_id, (SELECT coalesce(max(x.place), -1) FROM roster_staged_membership AS x
        WHERE x.import_id = $1::uuid) + row_number() OVER (ORDER BY l.sourced_id), 0, l.hash, false,
    true, l.kind, l.class_id, l.user_id, m.role, 'END',
    CASE WHEN m.ends_at <= now() THEN 'OVER' ELSE m.source END, m.id, m.id, m.person_id, m.group_id
FROM roster_import AS i JOIN roster_membership AS l ON l.organisation_id = i.organisation_id
    JOIN membership AS m ON m.id = l.membership_id
    LEFT JOIN roster_staged_membership AS s
        ON s.import_id = i.id AND s.kind = l.kind AND s.sourced_id = l.sourced_id
    LEFT JOIN roster_staged_group AS sg ON sg.import_id = i.id AND sg.sourced_id = l.class_id
    LEFT JOIN roster_staged_person AS sp ON sp.import_id = i.id AND sp.sourced_id = l.user_id
WHERE i.id = $1::uuid AND l.kind = $2::text AND NOT l.ended AND s.sourced_id IS NULL
    AND l.sourced_id > $3::text AND ($4::text IS NULL OR l.sourced_id <= $4::text)
    AND (
        CASE l.kind WHEN 'ENROLMENT' THEN i.ends_enrollments
            WHEN 'ROLE' THEN i.ends_roles AND i.managers ELSE i.ends_users AND i.managers END
        OR sg.action = 'END' OR sp.action = 'END'
    )

-- name: combine_memberships
-- A membership for which several rows stand lasts from the first beginning to the last end of all of
-- them, and those of them that are not in this file count as they were. Changed are all rows of the
-- memberships that those from one place to another touch, wherever they are.
UPDATE roster_staged_membership AS s SET
    action = CASE WHEN f.past THEN 'END' WHEN f.differs THEN 'CHANGE' ELSE s.action END,
    previous = CASE WHEN f.past THEN f.id ELSE s.previous END,
    ending = CASE WHEN f.past THEN f.ending ELSE s.ending END
FROM (
    SELECT m.id, coalesce(c.ends_at <= now() OR c.ends_at <= c.begins_at, false) AS past,
        CASE WHEN m.ends_at <= now() THEN 'OVER' ELSE m.source END AS ending,
        m.source = 'ROSTER' AND (m.ends_at IS NULL OR m.ends_at > now()) AND (
            m.begins_at <> {beginning}
            OR m.ends_at IS DISTINCT FROM c.ends_at
        ) AS differs
    FROM (
        SELECT r.id, {span}
        FROM (
            SELECT t.target AS id, t.from_at, t.until_at
            FROM roster_staged_membership AS t
            WHERE t.import_id = $1::uuid AND t.target IN ({touched})
                AND t.action IN ('ADD', 'CHANGE', 'MOVE', 'SAME')
            UNION ALL
            SELECT l.membership_id, l.begins_at, l.ends_at
            FROM roster_membership AS l LEFT JOIN roster_staged_membership AS t
                ON t.import_id = $1::uuid AND t.kind = l.kind AND t.sourced_id = l.sourced_id
            WHERE l.membership_id IN ({touched}) AND NOT l.ended
                AND coalesce(t.action, 'NONE') = 'NONE'
        ) AS r GROUP BY r.id
    ) AS c JOIN membership AS m ON m.id = c.id
) AS f
WHERE s.import_id = $1::uuid AND s.target = f.id AND s.action IN ('ADD', 'CHANGE', 'SAME')
    AND (f.past OR f.differs)

-- name: hold_memberships
-- What other rows stand for does not end.
UPDATE roster_staged_membership AS s SET ending = 'HELD'
WHERE s.import_id = $1::uuid AND s.place >= $2::int8 AND s.place < $3::int8
    AND s.previous IS NOT NULL AND (
        EXISTS (
            SELECT 1 FROM roster_staged_membership AS t
            WHERE t.import_id = s.import_id AND t.target = s.previous
                AND t.action IN ('ADD', 'CHANGE', 'MOVE', 'SAME')
        ) OR EXISTS (
            SELECT 1 FROM roster_membership AS l LEFT JOIN roster_staged_membership AS t
                ON t.import_id = $1::uuid AND t.kind = l.kind AND t.sourced_id = l.sourced_id
            WHERE l.membership_id = s.previous AND NOT l.ended
                AND coalesce(t.action, 'NONE') = 'NONE'
        )
    )
