"""`poutama pages`: writes the pages of the documentation that are generated from declarations.

`commands.main` registers it and `make docs` runs it; a test compares each page with what it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from poutama.configuration import open_folder


def render_pages(group: TyperGroup) -> Mapping[str, str]:
    """File of docs/ -> its text, for this installation's features and the given command line."""
    # heavy: the schema compiler, and what the tasks import
    from poutama.features import load_features, load_model
    from poutama.reference.cli_page import render_cli_page
    from poutama.reference.errors_page import render_errors_page
    from poutama.reference.input_limits_page import render_input_limits_page
    from poutama.reference.permissions_page import render_permissions_page
    from poutama.reference.personal_data_page import render_personal_data_page
    from poutama.reference.schema_page import render_schema_page
    from poutama.reference.settings_page import render_settings_page
    from poutama.reference.tasks_page import render_tasks_page
    from poutama.schema.load import print_public_sdl

    sdl = print_public_sdl(load_model())
    return {
        "cli.md": render_cli_page(group),
        "errors.md": render_errors_page(),
        "input-limits.md": render_input_limits_page(load_model()),
        "permissions.md": render_permissions_page(load_model()),
        "personal-data.md": render_personal_data_page(load_features()),
        "schema.graphql": sdl,
        "schema.md": render_schema_page(sdl),
        "settings.md": render_settings_page(),
        "tasks.md": render_tasks_page(load_features()),
    }


def pages(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("docs"),
) -> None:
    """Write the generated pages of the documentation; `make docs` builds the site of them."""
    group = context.find_root().command
    assert isinstance(group, TyperGroup)
    open_folder(output)
    for name, text in render_pages(group).items():
        output.joinpath(name).write_text(text, encoding="utf-8")
