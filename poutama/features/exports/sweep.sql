-- Folders of exports: written down before they have files, deleted when they are old or left over.

-- name: register
INSERT INTO export_folder (folder, job_id) VALUES ($1::text, $2::uuid) ON CONFLICT DO NOTHING;

-- name: find_due
-- A worker that lost its job may still be writing for as long as an invocation lasts.
SELECT f.folder, f.job_id FROM export_folder AS f LEFT JOIN job AS j ON j.id = f.job_id
WHERE f.created_at <= now() - $2::float8 * interval '1 second' AND (
    j.id IS NULL
    OR (j.state = 'SUCCEEDED' AND j.finished_at <= now() - $1::float8 * interval '1 day')
    OR (
        j.state IN ('FAILED', 'CANCELLED')
        AND j.finished_at <= now() - $2::float8 * interval '1 second'
    )
) ORDER BY f.created_at, f.folder LIMIT 100;

-- name: purge
-- A job that goes on meanwhile keeps the row; its steps begin anew where files are missing.
WITH gone AS (
    DELETE FROM export_folder AS f WHERE f.folder = $1::text AND NOT EXISTS (
        SELECT 1 FROM job AS j WHERE j.id = f.job_id AND j.state IN ('QUEUED', 'RUNNING')
    ) RETURNING f.job_id
)
UPDATE job SET
    result_key = NULL, checkpoint = '{}'::jsonb, done = 0, version = version + 1,
    updated_at = now()
WHERE id IN (SELECT job_id FROM gone) AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED');
