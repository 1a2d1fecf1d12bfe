-- What is done to any of the staged tables; `staged_tables.py` loads it once for each.

-- name: find_staged
SELECT sourced_id FROM {table} WHERE import_id = $1::uuid
    AND sourced_id IN (SELECT jsonb_array_elements_text($2::jsonb))

-- name: count_read
-- By the last place: a row that took the place of another has left its own empty.
SELECT coalesce(max(place), -1) + 1 AS count FROM {table} WHERE import_id = $1::uuid AND line > 0

-- name: find_top
SELECT coalesce(max(place), -1) + 1 AS top FROM {table} WHERE import_id = $1::uuid

-- name: find_last_ending
SELECT max(place) AS place FROM {table} WHERE import_id = $1::uuid AND line = 0

-- name: drop_endings
DELETE FROM {table}
WHERE import_id = $1::uuid AND line = 0 AND place >= $2::int8 AND place < $3::int8

-- name: drop_range
DELETE FROM {table} WHERE import_id = $1::uuid AND place >= $2::int8 AND place < $3::int8

-- name: drop_some
DELETE FROM {table} WHERE import_id = $1::uuid AND place IN (
    SELECT place FROM {table} WHERE import_id = $1::uuid ORDER BY place LIMIT $2::int8
) RETURNING place
