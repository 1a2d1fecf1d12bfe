"""What the feature brings; Poutama finds it by the entry point in `pyproject.toml`."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.personal_data import Erasure, PersonalData
from poutama.schedule import HOUR, Task
from poutama_suggestions import procedures
from poutama_suggestions.expiry import find_expiry
from poutama_suggestions.job import SUGGEST_TO_GROUP

FEATURE = Feature(
    name="suggestions",
    package=__package__,
    api=1,
    procedures=(
        procedures.accept_suggestion,
        procedures.decline_suggestion,
        procedures.suggest_to_group,
    ),
    jobs={SUGGEST_TO_GROUP: "poutama_suggestions.group:KIND"},
    tasks={"expire_suggestions": Task("poutama_suggestions.expiry:expire_suggestions", HOUR)},
    computed={"suggestion_expires_at": find_expiry},
    migrations="migrations",
    personal_data=(
        PersonalData(
            table="suggestion",
            path="person_id",
            note="goals suggested to them",
            export="`me { suggestions }`",
        ),
        PersonalData(
            table="suggestion",
            path="mentor_id",
            erasure=Erasure.ANONYMISE,
            note="goals they suggested",
            export="no: they are the students'",
        ),
    ),
)
