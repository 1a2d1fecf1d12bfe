"""What the tests know of roster imports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

from tests.features import sample
from tests.features.record import (
    ADMIN,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
    VisibleType,
)
from tests.features.sample import LATELY, id_of
from tests.reference import rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.policy import Row
from tests.strategies.drawing import NAMES, Drawing, draw_new_id

FILE = {"name": "roster.zip", "bytes": 7, "sha256": "0" * 64}


def _rows() -> Iterator[SampleRow]:
    file = {"media_type": "application/zip", **FILE}
    where = {"organisation_id": id_of("organisation"), "object_key": "key", "managers": False}
    yield "roster_import", {"id": id_of("import"), **where, **file}
    checked = {"state": "CHECKED", "checked_at": LATELY}
    yield "roster_import", {"id": id_of("checked import"), **where, **file, **checked}


def _start_roster_import(doing: Doing, input: Row) -> Done:
    doing.permitted("startRosterImport", doing.find("Organisation", input["organisationId"]))
    same = {"organisationId": input["organisationId"]}
    before = doing.made_before(
        "RosterImport", input.get("id"), lambda row: same.items() <= row.items()
    )
    if before is not None:
        return before
    _require_verified(doing, input["organisationId"])
    made = doing.add("RosterImport", **{
        "uploadKey": "new", "mediaType": "application/zip", "noticeVersion": None, "schools": None,
        **input,
    })  # fmt: skip
    doing.record("INSERT", "RosterImport", made["id"], None)
    return about("RosterImport", made)


def _check_roster_import(doing: Doing, input: Row) -> Done:
    found = doing.find("RosterImport", input["importId"])
    doing.permitted("checkRosterImport", found)
    if found["state"] == "CHECKING":
        return about("RosterImport", found)
    if found["state"] not in ("UPLOADING", "CHECKED"):
        raise Refused("CONFLICT")
    return _begin(doing, found, "ROSTER_CHECK", "CHECKING", {})


def _apply_roster_import(doing: Doing, input: Row) -> Done:
    found = doing.changeable("applyRosterImport", "RosterImport", input, "importId")
    most = input.get("allowEndingPercent", 20)
    others = doing.all("RosterImport", organisationId=found["organisationId"], state="APPLYING")
    if found["state"] != "CHECKED" or (found["endingPercent"] or 0) > most or others:
        raise Refused("CONFLICT")
    return _begin(doing, found, "ROSTER_APPLY", "APPLYING", {"allowEndingPercent": most})


def _require_verified(doing: Doing, organisation: UUID) -> None:
    if not doing.find("Organisation", organisation)["verified"]:
        raise Refused("FORBIDDEN")


def _begin(doing: Doing, found: Row, kind: str, state: str, asked: Row) -> Done:
    _require_verified(doing, found["organisationId"])
    wish = json.dumps({"import": str(found["id"]), **asked})
    who = {"personId": doing.viewer, "subjectId": None, "input": wish}
    job = doing.add("Job", kind=kind, **who, organisationId=found["organisationId"])
    checks = {"checkJobId": job["id"]} if state == "CHECKING" else {}
    doing.touch(found, state=state, jobId=job["id"], uploadKey=None, **checks)
    doing.record("UPDATE", "RosterImport", found["id"], None)
    return about("RosterImport", found)


def _agree_on_what_is_checked(drawing: Drawing, input: Row) -> Row:
    ready = [row for row in drawing.world["RosterImport"] if row["state"] == "CHECKED"]
    if not ready:
        return input
    found = drawing.choose(*ready)
    seen = {"importId": found["id"], "expectedVersion": found["version"]}
    return input | seen | {"allowEndingPercent": 100}


MUTATIONS = (
    MutationRecord(
        name="startRosterImport",
        cases=(Case("the organisation", {"organisationId": Id("organisation"), **FILE}, ADMIN),),
        may=rights.its_admins,
        does=_start_roster_import,
    ),
    MutationRecord(
        name="checkRosterImport",
        cases=(Case("one of the organisation", {"importId": Id("import")}, ADMIN),),
        may=rights.admins_over,
        does=_check_roster_import,
    ),
    MutationRecord(
        name="applyRosterImport",
        cases=(
            Case(
                "one of the organisation",
                {"importId": Id("checked import"), "expectedVersion": 1},
                ADMIN,
            ),
        ),
        may=rights.admins_over,
        does=_apply_roster_import,
        agree=_agree_on_what_is_checked,
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    ids={"organisationId": "Organisation", "importId": "RosterImport"},
    values={
        "id": draw_new_id("RosterImport"),
        "name": NAMES,
        "bytes": (1, 2),
        "sha256": ("ab" * 32,),
        "managers": (True, False),
        "noticeVersion": ("v1", None),
        "schools": ("s1", None),
        "allowEndingPercent": (20, 0, 100),
        "expectedVersion": (1, 1, 2, None),
    },
    shown={
        "RosterImport": VisibleType(
            f"{{ id name state organisation {sample.ORGANISATION}"
            f" job {{ id person {sample.PERSON} }} changes {{ id }} }}",
            "rosterImport(importId: $id) % rosterImports %",
        ),
    },
)
