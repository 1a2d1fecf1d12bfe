"""Fields that Python makes of stored values, and what makes them here: stand-ins that show no more
than what they were made of.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from poutama.features.groups.notice import Offer, name_version
from tests.reference.policy import Row, World

COUNTS = (
    "rowsRead", "rowsRefused", "groupsAdded", "groupsChanged", "groupsEnded", "peopleAdded",
    "peopleChanged", "peopleEnded", "membershipsAdded", "membershipsChanged", "membershipsEnded",
    "membershipsBefore", "invitedOtherDomain", "invitedOwnDecision",
)  # fmt: skip
"""What a roster import counts."""
ANNOUNCED = ("uploadKey", "mediaType", "bytes", "sha256")
"""What a form for uploading is made of."""


def compute(kind: str, row: Row) -> Row:
    """What Python makes of the row's stored values, by the functions of `FILES`."""
    match kind:
        case "Invitation":
            words = ("role", "organisationName", "organisationVerified", "groupName")
            return {
                "sharing": sharing_of(*(row[name] for name in words)),
                "noticeVersion": version_of(*(row[name] for name in words)),
            }
        case "RosterImport":
            before, ended = row["membershipsBefore"], row["membershipsEnded"]
            return {
                "uploadForm": row["uploadKey"] and read_form(*(row[name] for name in ANNOUNCED)),
                "endingPercent": -(-100 * ended // before) if before else None,
            }
        case "Job":
            return {
                "resultUrl": row["resultKey"] and address_of(row["resultKey"]),
                "retryAfter": None,
            }
        case "Evidence":
            return {
                "downloadUrl": row["objectKey"] and address_of(row["objectKey"]),
                "thumbnailUrl": row["thumbnailKey"] and picture_of(row["thumbnailKey"]),
                "uploadForm": row["uploadKey"] and read_form(*(row[name] for name in ANNOUNCED)),
            }
    return {}


def address_of(*values: Any) -> str:
    """Stands for a signed address: what it is made of is all that is known of it."""
    return f"https://files.example/{values[0]}"


def picture_of(*values: Any) -> str:
    return f"https://pictures.example/{values[0]}"


def pause_of(*_: Any) -> None:
    """No advice: when to read a job again has a test of its own."""


def read_form(*values: Any) -> Row:
    """The form as a row of the world has it: its end is a moment, not text."""
    form = form_of(*values)
    return {**form, "expiresAt": datetime.fromisoformat(form["expiresAt"])}


def form_of(*values: Any) -> Row:
    return {
        "url": "https://files.example",
        "method": "POST",
        "fields": [{"name": "made of", "value": str(value)} for value in values],
        "expiresAt": "2026-02-03T21:30:00Z",
        "maxBytes": values[2],
    }


def sharing_of(*values: Any) -> list[str]:
    return [str(value) for value in values]


def version_of(*values: Any) -> str:
    """The service's own: what counts here is whether it is that of what is offered now."""
    return name_version(Offer(*values))


def version_of_offer(world: World, membership: Row) -> str:
    """What the person who is offered the membership is shown."""
    (place,) = (row for row in world["Organisation"] if row["id"] == membership["organisationId"])
    groups = (row["name"] for row in world["Group"] if row["id"] == membership["groupId"])
    return version_of(membership["role"], place["name"], place["verified"], next(groups, None))


FILES = {
    "download_url": address_of,
    "inline_url": picture_of,
    "upload_form": form_of,
    "invitation_sharing": sharing_of,
    "notice_version": version_of,
    "retry_after": pause_of,
}
"""What makes computed fields."""
