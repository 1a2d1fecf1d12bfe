"""Long work, as those who asked for it see it."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.jobs.procedures import cancel_job
from poutama.features.jobs.retry_after import suggest_pause

FEATURE = Feature(
    name="jobs",
    package=__package__,
    procedures=(cancel_job,),
    computed={"retry_after": suggest_pause},
)
