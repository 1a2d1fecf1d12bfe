"""What a new row has that its input does not name, type by type."""

from __future__ import annotations

from tests.reference.computed import COUNTS
from tests.reference.policy import Row

NEW: dict[str, Row] = {
    "Goal": {"information": "", "complete": False, "completedAt": None, "dueAt": None,
             "color": None,
             "organisationIds": None},
    "GoalNote": {"audience": "CAREGIVERS", "organisationId": None},
    "GoalTask": {"complete": False, "completedAt": None},
    "Membership": {"groupId": None, "childId": None, "invitedName": None, "invitedEmail": None,
                   "acceptedAt": None, "endsAt": None, "expiresAt": None, "grantedById": None,
                   "enrolledById": None, "declinedAt": None, "confirmed": True, "confirmedAt": None,
                   "confirmedById": None, "endedById": None, "applicantName": None},
    "Group": {"joinApproval": False, "endedAt": None},
    "Organisation": {"verified": False},
    "Consent": {"withdrawnAt": None, "withdrawnById": None},
    "Job": {"organisationId": None, "state": "QUEUED", "done": 0, "total": None, "attempts": 0,
            "failure": None, "cancelRequested": False, "resultKey": None, "startedAt": None,
            "finishedAt": None, "readAs": None, "readOrganisationIds": None,
            "retryAfter": None},
    "RosterImport": {"state": "UPLOADING", "managers": False, "jobId": None, "checkJobId": None,
                     **dict.fromkeys((*COUNTS, "endingPercent", "source", "checkedAt")),
                     "appliedAt": None},
    "OpenedRecord": {"closedAt": None},
    "PrivacyRequest": {"state": "OPEN", "jobId": None, "decidedAt": None, "reminder": None,
                       "receiptCode": None,
                       "deciderName": None, "reason": None, "doneAt": None, "receipt": None},
    "Evidence": {"state": "PENDING", "rejection": None, "objectKey": None, "thumbnailKey": None,
                 "thumbnailType": None, "jobId": None, "seconds": None},
}  # fmt: skip
