-- What is left over of evidence; `sweep.py` clears it away.

-- name: find_without_goal
SELECT id FROM evidence WHERE goal_id IS NULL LIMIT {batch};

-- name: find_unfinished
SELECT id FROM evidence
WHERE state = 'PENDING' AND job_id IS NULL AND created_at < now() - interval '{unfinished}'
LIMIT {batch};

-- name: find_given_up
SELECT e.id FROM evidence AS e JOIN job AS j ON j.id = e.job_id
WHERE e.state = 'PENDING' AND j.state IN ('FAILED', 'CANCELLED') LIMIT {batch};

-- name: look
-- Looked at once more: it may have been finished or deleted since, or its job begun anew.
SELECT e.stem, e.state, e.bytes, e.uploader_id, e.organisation_id,
    e.goal_id IS NULL AS without_goal,
    e.job_id IS NULL AND e.created_at < now() - interval '{unfinished}' AS unfinished,
    j.state IN ('FAILED', 'CANCELLED') AS given_up
FROM evidence AS e LEFT JOIN job AS j ON j.id = e.job_id WHERE e.id = $1::uuid;
