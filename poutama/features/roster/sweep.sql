-- Forgets imports and reports that are old enough.

-- name: find_expired
SELECT i.id, i.object_key, i.report_key FROM roster_import AS i
    LEFT JOIN job AS j ON j.id = i.job_id
WHERE i.state IN ('UPLOADING', 'CHECKING', 'CHECKED', 'APPLYING')
    AND i.updated_at < now() - $1::int8 * interval '1 day'
    AND coalesce(j.state, 'FAILED') NOT IN ('QUEUED', 'RUNNING')
ORDER BY i.updated_at LIMIT 20

-- name: find_old_reports
SELECT id, report_key FROM roster_import
WHERE state = 'APPLIED' AND report_key IS NOT NULL
    AND updated_at < now() - $1::int8 * interval '1 day'
ORDER BY updated_at LIMIT 200

-- name: drop_reports
-- The version stays: the import itself is as it was.
UPDATE roster_import SET report_key = NULL
WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)

-- name: drop_results
-- An address that leads nowhere is worse than none.
UPDATE job SET result_key = NULL WHERE result_key IN (SELECT jsonb_array_elements_text($1::jsonb))
    AND id IN (
        SELECT job_id FROM roster_import
        WHERE id IN (SELECT jsonb_array_elements_text($2::jsonb)::uuid)
    )

-- name: drop_row_errors
DELETE FROM job_row_error WHERE job_id IN (
    SELECT j.id FROM roster_import AS i JOIN job AS j ON j.id IN (i.job_id, i.check_job_id)
    WHERE i.id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
)

-- name: drop_changes
DELETE FROM roster_change
WHERE import_id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
