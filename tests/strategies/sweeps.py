"""A query for all that there is in a world: in every list, and one by one by its id."""

from __future__ import annotations

from tests.reference.policy import World

PERSON = """{ id email name goals { id } goalsConnection { totalCount } memberships { id }
  consents { id givenBy { id } withdrawnBy { id } membership { id } }
  granted { id applicantName } confirmations { id person { id } }
  reminders { id goal { id } } openedRecords { id reason opener { id } }
  privacyRequests { id state }
  auditConnection { totalCount nodes { id actorName } } }"""
GROUP = f"""{{ id name joinCode progress {{ active overdue completed }} organisation {{ id }}
  people {{ id }} goals {{ id }}
  members {{ id acceptedAt person {PERSON} child {{ id }} }} }}"""
ORGANISATION = f"""{{ id name groups {{ id }} people {{ id }} goals {{ id }}
  all: groups(includeEnded: true) {{ id }}
  memberships {{ id role person {PERSON} }}
  privacyRequestsConnection {{ nodes {{ id person {{ id }} job {{ id }} }} }}
  openedRecordsConnection {{ nodes {{ id person {{ id goals {{ id }} }} }} }} }}"""
GOAL = """{ id title audience organisationIds owner { id email } tasks { id }
  notes { id audience author { id email } organisation { id } evidence { id } }
  notesConnection { totalCount }
  evidence { id downloadUrl thumbnailUrl uploadForm { url fields { value } } note { id } } }"""
JOB = """{ id kind resultUrl readAs readOrganisationIds person { id } subject { id }
  rowErrors { id } }"""
EVIDENCE = "{ id addedTo uploadForm { url fields { value } } goal { id } }"
CONFLICT = """{ id personName personSourcedId email claimant claimedName person { id email }
  organisation { id } }"""
IMPORT = "{ id uploadForm { url fields { value } } job { id } changes { id } organisation { id } }"
ACCESS = "{ access { id reason holderName holder { id } membership { id } } }"
BY_ID = "{ id }"
SHOWN = {
    "Person": PERSON,
    "Group": GROUP,
    "Organisation": ORGANISATION,
    "Goal": GOAL,
    "Job": JOB,
    "Evidence": EVIDENCE,
    "RosterImport": IMPORT,
    "AddressConflict": CONFLICT,
    "Membership": BY_ID,
    "GoalTask": BY_ID,
    "GoalNote": "{ id information }",
    "Reminder": BY_ID,
    "OpenedRecord": BY_ID,
    "PrivacyRequest": BY_ID,
}
ARGUMENTS = {
    "RosterImport": "importId",
    "AddressConflict": "conflictId",
    "GoalTask": "taskId",
    "GoalNote": "noteId",
}


def sweep(world: World) -> str:
    """A query for all there is: in every list, and one by one by its id."""
    parts = [
        f"me {PERSON} organisations {ORGANISATION} groups {GROUP} goals {GOAL}",
        "all: groupsConnection(includeEnded: true) { totalCount nodes { id endedAt } }",
        f"jobs {JOB} rosterImports {IMPORT} addressConflicts {CONFLICT}",
    ]
    for kind, shown in SHOWN.items():
        name = f"{kind[0].lower()}{kind[1:]}"
        argument = ARGUMENTS.get(kind, f"{name}Id")
        for number, row in enumerate(world[kind]):
            parts.append(f'{name}{number}: {name}({argument}: "{row["id"]}") {shown}')
    return "{ " + " ".join(parts) + " }"
