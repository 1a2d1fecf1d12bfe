"""The page of permissions says what is compiled, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from poutama.commands.main import app
from poutama.features import load_model
from poutama.reference.permissions import render_permissions_page
from poutama.reference.rights import CASES
from poutama.schema.model import Action, Audience, Rule, Scope, Standing
from tests.features import mutation_cases

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"


def section(page: str, name: str) -> str:
    return page.split(f"\n### {name}\n")[1].split("\n#")[0]


def test_the_page_is_what_is_compiled() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_permissions_page(load_model()), (
        "write it anew: .venv/bin/poutama permissions > docs/permissions.md"
    )


def test_the_command_prints_the_page() -> None:
    assert CliRunner().invoke(app, ["permissions"]).stdout == PAGE.read_text(encoding="utf-8")


def test_the_table_of_mutations_is_what_the_records_of_the_tests_say() -> None:
    table = {(case.mutation, case.about): set(map(str, case.allowed)) for case in CASES}
    assert table == {
        (each.name, case.about): set(map(str, case.allowed)) for each, case in mutation_cases()
    }


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
    rule = Rule((Audience(Scope.PERSON, "person_id", (Standing.CAREGIVER,)),))
    changed = replace(goal, rule=rule, changes={Action.INSERT: rule})
    page = render_permissions_page(replace(model, entities={**model.entities, "Goal": changed}))
    caregivers = "the person's caregivers in an organisation the person is a student of"
    assert section(page, "Goal") == (
        "\n"
        "| to | by its | |\n|---|---|---|\n"
        f"| see | `owner` | {caregivers} |\n"
        f"| insert | `owner` | {caregivers} |\n"
        "| update, delete | | nobody, but as the table of mutations says |\n"
        "\nWho else reads them is written down.\n"
    )
