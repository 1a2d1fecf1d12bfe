"""Generated pages are as the declarations have them, and leave nothing out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import typer
from graphql import parse
from graphql.language import EnumTypeDefinitionNode, ObjectTypeDefinitionNode
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from poutama.commands.main import app
from poutama.commands.pages import render_pages
from poutama.feature import Feature, FeatureSet
from poutama.features import load_features
from poutama.reference.cli_page import render_cli_page
from poutama.reference.errors_page import ADVICE, find_errors, render_errors_page
from poutama.reference.schema_page import render_schema_page
from poutama.reference.tasks_page import render_tasks_page
from poutama.schedule import Task

DOCS = Path(__file__).parents[3] / "docs"


def group_of(application: typer.Typer) -> TyperGroup:
    group = get_command(application)
    assert isinstance(group, TyperGroup)
    return group


PAGES = render_pages(group_of(app))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_is_generated(name: str) -> None:
    assert DOCS.joinpath(name).read_text("utf-8") == PAGES[name], (
        "write it anew: .venv/bin/poutama pages"
    )


def test_the_command_writes_all_of_them(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["pages", "--output", str(tmp_path)]).exit_code == 0
    assert {each.name: each.read_text("utf-8") for each in tmp_path.iterdir()} == PAGES


def test_every_command_and_option_is_on_the_page() -> None:
    small = typer.Typer()

    @small.command()
    def knit(rows: int, wool: str = typer.Option("flax", help="Which | of them.")) -> None:
        """Knit a scarf."""

    @small.command()
    def purl() -> None:
        """Purl it."""

    page = render_cli_page(group_of(small))
    knitted = page.split("## poutama knit\n")[1].split("\n## ")[0]
    assert knitted.split("\n") == [
        *("", "Knit a scarf.", "", "| | |", "|---|---|"),
        "| `rows <int>` | [required] |",
        "| `--wool <str>` | Which \\| of them. [default: flax] |",
        "",
    ]
    assert page.endswith("## poutama purl\n\nPurl it.\n\nIt has no options.\n")


def test_every_task_is_on_the_page_with_its_period() -> None:
    async def comb(context: object) -> int:
        """Comb the sheep,
        all of them.

        Then return.
        """
        return 1

    feature = Feature(name="wool", package="poutama", tasks={"comb": Task(comb, 5400)})
    page = render_tasks_page(FeatureSet([feature]))
    assert page.endswith("| `comb` | `wool` | 90 minutes | Comb the sheep, all of them. |\n")
    whole = render_tasks_page(load_features())
    assert [name for name in load_features().tasks if f"| `{name}` |" not in whole] == []


def test_every_error_of_the_page_has_advice_and_no_advice_is_left_over() -> None:
    page = render_errors_page()
    assert [code for code in ADVICE if f"\n| `{code}` | " not in page] == []
    assert {each.code for each in find_errors() if each.safe} <= set(ADVICE)


def test_every_type_that_is_not_derived_has_a_section() -> None:
    sdl = PAGES["schema.graphql"]
    derived = ("Connection", "Edge", "PageInfo", "Filter", "Order")
    named = [
        node.name.value
        for node in parse(sdl).definitions
        if isinstance(node, ObjectTypeDefinitionNode | EnumTypeDefinitionNode)
    ]
    shown = [name for name in named if not name.endswith((*derived, "Query", "Mutation"))]
    assert len(shown) > 30
    assert [name for name in shown if f"\n### {name}\n" not in PAGES["schema.md"]] == []


def test_a_field_is_shown_with_its_arguments_type_and_description() -> None:
    page = render_schema_page(
        'type Query { "All sheep | of ours."\n sheep(first: Int, colour: String!): [String!]! }'
        " type Mutation { shear: Boolean }"
    )
    assert "| `sheep(colour: String!)` | `[String!]!` | All sheep \\| of ours. |\n" in page
    assert "| `shear` | `Boolean` |  |\n" in page


def test_another_declaration_makes_another_page() -> None:
    features = load_features()
    first = next(each for each in features.features if each.tasks)
    name = next(iter(first.tasks))
    renamed = replace(first, tasks={f"{name}_twice": first.tasks[name]})
    assert f"| `{name}_twice` | `{first.name}` |" in render_tasks_page(FeatureSet([renamed]))
