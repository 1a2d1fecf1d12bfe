"""The page of permissions says what is compiled, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from poutama.commands.main import app
from poutama.features import load_model
from poutama.reference.permissions_page import render_permissions_page
from poutama.schema.model import Action, Audience, Relationship, Rule, Scope

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"


def section(page: str, name: str) -> str:
    return page.split(f"\n### {name}\n")[1].split("\n#")[0]


def test_the_page_is_what_is_compiled() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_permissions_page(load_model()), (
        "write it anew: .venv/bin/poutama permissions > docs/permissions.md"
    )


def test_the_command_prints_the_page() -> None:
    assert CliRunner().invoke(app, ["permissions"]).stdout == PAGE.read_text(encoding="utf-8")


def test_every_permit_is_a_line_of_the_table() -> None:
    model = load_model()
    table = render_permissions_page(model).split("## Mutations")[1]
    for name, mutation in model.mutations.items():
        lines = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
        if mutation.action is Action.PROCEDURE:
            grants = [grant for each in mutation.permissions for grant in each.grants]
            alternatives = sum(len(grant.rule.alternatives) for grant in grants)
            assert len(lines) == alternatives + mutation.everyone
        else:
            (line,) = lines
            assert f"{mutation.action.value} of {mutation.entity}" in line


def test_another_permit_makes_another_table() -> None:
    model = load_model()
    ending = model.mutations["endMembership"]
    (permission,) = ending.permissions
    fewer = replace(permission, grants=permission.grants[2:3])
    changed = {**model.mutations, "endMembership": replace(ending, permissions=(fewer,))}
    page = render_permissions_page(replace(model, mutations=changed))
    lines = [line for line in page.splitlines() if line.startswith("| `endMembership`")]
    assert lines == [
        "| `endMembership` | `membershipId`: Membership | by its `group`: its mentors"
        " | its `role` is STUDENT |"
    ]


def test_every_type_has_a_section_and_every_narrower_field_a_row() -> None:
    model = load_model()
    page = render_permissions_page(model)
    for entity in model.entities.values():
        part = section(page, entity.name)
        assert "| see |" in part
        for column in entity.columns:
            assert (f"| see `{column.field}` |" in part) == (column.restricted is not None)


def test_another_rule_makes_another_page() -> None:
    model = load_model()
    goal = model.entities["Goal"]
    rule = Rule((Audience(Scope.PERSON, "person_id", (Relationship.CAREGIVER,)),))
    changed = replace(goal, rule=rule, changes={Action.INSERT: rule})
    page = render_permissions_page(replace(model, entities={**model.entities, "Goal": changed}))
    caregivers = "the person's caregivers in an organisation the person has been a student of since"
    assert section(page, "Goal") == (
        "\n"
        "| to | by its | |\n|---|---|---|\n"
        f"| see | `owner` | {caregivers} |\n"
        "| see `organisationIds` | `owner` | the person |\n"
        f"| insert | `owner` | {caregivers} |\n"
        "| update, delete | | only by the mutations in the next table |\n"
        "\nWho changes them, and who else reads, counts or searches them, is audited.\n"
    )
