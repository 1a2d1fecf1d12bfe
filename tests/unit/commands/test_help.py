"""Each command's help ends with an example that the command line accepts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from poutama.commands.main import app
from poutama.errors import ConfigurationError
from poutama.reference.cli_page import EXAMPLE


def commands(group: TyperGroup, path: str = "poutama") -> Iterator[tuple[str, str]]:
    """Every command, groups included, with the last line of its help."""
    yield path, group.epilog or ""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command.epilog or ""


def root() -> TyperGroup:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return group


ALL = dict(commands(root()))


def parse(example: str) -> str:
    """The command that an example calls, its options and arguments checked; runs nothing.

    Raises:
        click.UsageError: the command line does not accept it.
    """
    words = shlex.split(example.partition(" > ")[0])
    while "=" in words[0]:  # a setting, as a shell takes it
        words.pop(0)
    name, *rest = words
    command: typer.core.TyperCommand | TyperGroup = root()
    context = command.make_context(name, rest)
    while isinstance(command, TyperGroup):
        rest = [*context._protected_args, *context.args]
        if not rest:
            break
        called, found, rest = command.resolve_command(context, rest)
        assert called is not None
        assert isinstance(found, TyperGroup | typer.core.TyperCommand)
        command = found
        context = command.make_context(called, rest, parent=context)
    return context.command_path


@pytest.mark.parametrize("path", ALL)
def test_the_help_of_a_command_has_an_example_that_calls_it(path: str) -> None:
    assert ALL[path].startswith(EXAMPLE), f"{path}: write epilog='Example: {path} ...'"
    called = parse(ALL[path].removeprefix(EXAMPLE))
    assert called == path or path == "poutama"
    words = path.split()[1:]
    assert EXAMPLE.strip() in CliRunner().invoke(app, [*words, "--help"]).output


def test_an_example_that_the_command_line_refuses_is_found() -> None:
    for refused in ("poutama tokens a@b", "poutama token", "poutama jobs retry 1", "poutama up -x"):
        with pytest.raises(Exception, match=r"No such|Missing|valid UUID"):
            parse(refused)


@pytest.mark.parametrize("command", ["pages", "package"])
def test_an_output_that_cannot_be_written_is_named(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    output = tmp_path / "file" / "site"
    result = CliRunner().invoke(app, [command, "--output", str(output)])
    assert isinstance(result.exception, ConfigurationError)
    assert f"{output}: cannot be used for the output" in result.exception.message
    assert "--output" in result.exception.message
