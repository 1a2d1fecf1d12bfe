-- What a worker does to the job it holds; `lease.py` runs it.

-- name: claim
UPDATE job SET
    state = CASE
        WHEN cancel_requested THEN 'CANCELLED' WHEN attempts >= $3::int8 THEN 'FAILED'
        ELSE 'RUNNING' END,
    failure = CASE WHEN NOT cancel_requested AND attempts >= $3::int8 THEN $5::text END,
    lease_id = CASE WHEN NOT cancel_requested AND attempts < $3::int8 THEN $2::uuid END,
    lease_until = CASE WHEN NOT cancel_requested AND attempts < $3::int8
        THEN now() + $4::float8 * interval '1 second' END,
    attempts = CASE WHEN NOT cancel_requested AND attempts < $3::int8 THEN attempts + 1
        ELSE attempts END,
    started_at = coalesce(started_at, now()),
    finished_at = CASE WHEN cancel_requested OR attempts >= $3::int8 THEN now() END,
    version = version + 1, updated_at = now()
WHERE id = $1::uuid AND (
    (state = 'QUEUED' AND not_before <= now()) OR (state = 'RUNNING' AND lease_until < now())
) AND ($6::int8 IS NULL OR $6::int8 > (
    SELECT count(*) FROM job AS other
    WHERE other.state = 'RUNNING' AND other.lease_until >= now()
        AND other.kind NOT IN (SELECT e.value FROM jsonb_array_elements_text($7::jsonb) AS e(value))
))
RETURNING state, failure, kind, person_id, organisation_id, subject_id, input::text AS input,
    checkpoint::text AS checkpoint, done, total, steps, attempts;

-- name: extend
UPDATE job SET lease_until = now() + $3::float8 * interval '1 second'
WHERE id = $1::uuid AND lease_id = $2::uuid
RETURNING cancel_requested;

-- name: progress
-- The first statement of the transaction: another that wants the row waits until it is over.
UPDATE job SET
    checkpoint = $4::jsonb, done = coalesce($5::int8, done), total = coalesce($6::int8, total),
    steps = steps + 1, attempts = 0, lease_until = now() + $7::float8 * interval '1 second',
    version = version + 1, updated_at = now()
WHERE {mine} AND NOT cancel_requested
RETURNING done, total;

-- name: finish
UPDATE job SET
    state = 'SUCCEEDED', done = coalesce($4::int8, done), steps = steps + 1, attempts = 0,
    result_key = $5::text, result_name = $6::text, result_type = $7::text,
    lease_id = NULL, lease_until = NULL, finished_at = now(),
    version = version + 1, updated_at = now()
WHERE {mine} AND NOT cancel_requested
RETURNING done, total;

-- name: add_errors
INSERT INTO job_row_error (id, job_id, file, line, field, code, message, position)
SELECT (e.value->>'id')::uuid, $1::uuid, e.value->>'file', (e.value->>'line')::int8,
    e.value->>'field', e.value->>'code', e.value->>'message', e.place + (
        SELECT coalesce(max(b.position), 0) FROM job_row_error AS b WHERE b.job_id = $1::uuid
    )
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS e(value, place);

-- name: release
UPDATE job SET
    state = CASE WHEN cancel_requested THEN 'CANCELLED' ELSE $4::text END,
    failure = CASE WHEN NOT cancel_requested THEN $5::text END,
    attempts = $6::int8, not_before = now() + $7::float8 * interval '1 second', sent_at = now(),
    lease_id = NULL, lease_until = NULL,
    finished_at = CASE WHEN cancel_requested OR $4::text <> 'QUEUED' THEN now() END,
    version = version + 1, updated_at = now()
WHERE {mine}
RETURNING state;

-- name: look
SELECT state, lease_id, steps, cancel_requested FROM job WHERE id = $1::uuid;
