-- What the mutations of evidence look for.

-- name: find_organisation
-- A student of several organisations counts with the first.
SELECT organisation_id FROM membership
WHERE person_id = $1::uuid AND role = 'STUDENT' AND {membership_counts}
ORDER BY begins_at, id LIMIT 1;
