"""The page docs/personal-data.md: the register of what is kept about people, for a privacy officer.

Called by `commands.pages`; everything on it is what features declare and erasure follows.
"""

from __future__ import annotations

from collections.abc import Iterator

from poutama.feature import FeatureSet
from poutama.personal_data import CORE_PERSONAL_DATA, Erasure, PersonalData

OPENING = """\
# The register of personal data

What each table and each file holds of a person, where the person gets it (a part of the export that
`requestAccess` makes, or a field of the API), what erasing the person does there, and when it goes
while the person stays. A table, a file, or a column that names a person and is not in this register
fails a test (`tests/db/test_personal_data.py`).

How people leave, and how they request access and erasure: [keeping.md](keeping.md). This page is
generated from the declarations: `make docs`.

## In the database

`goal_id.person_id` means: the rows whose goal is the person's.

| where | of | what | where the person gets it | when the person is erased | otherwise |
|---|---|---|---|---|---|
"""
FILES = """
## In the object store

| where | of | what | where the person gets it | otherwise |
|---|---|---|---|---|
"""
FILES_END = """
The files of a person who is erased are deleted with them, and their older versions where the bucket
has versioning.

## Tables without personal data

"""
BACKUPS = """
## Backups

Backups hold what was there when they were made, until they expire. Who was erased since has to be
erased again in a restored backup: `DELETE` of a `Person` in `audit_entry` has the ids.
"""


def render_personal_data_page(features: FeatureSet) -> str:
    """The text of `docs/personal-data.md`."""
    rows = "".join(_row(owner, each) for owner, each in _declared(features))
    files = "".join(
        f"| `{each.prefix}` | `{feature.name}` | {each.note} | {each.export} | {each.retention} |\n"
        for feature in features.features
        for each in feature.stored_data
    )
    tables = "".join(f"- `{name}`\n" for name in sorted(features.impersonal_tables))
    return OPENING + rows + FILES + files + FILES_END + tables + BACKUPS


def _declared(features: FeatureSet) -> Iterator[tuple[str, PersonalData]]:
    yield from (("every system", each) for each in CORE_PERSONAL_DATA)
    for feature in features.features:
        yield from ((f"`{feature.name}`", each) for each in feature.personal_data)


def _row(owner: str, declared: PersonalData) -> str:
    kept = "" if declared.erasure is Erasure.KEEP else declared.retention
    return (
        f"| `{declared.where}` | {owner} | {declared.note} | {declared.export} |"
        f" {declared.erasure} | {kept} |\n"
    )
