"""What a contributor meets first is whole: hooks, templates, and a changelog of this version."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from poutama import __version__

ROOT = Path(__file__).parents[2]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def load(path: Path) -> Any:
    yaml: Any = import_module("yaml")
    return yaml.safe_load(path.read_text("utf-8"))


def test_the_changelog_has_this_version_on_top() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert sections[1].split(",")[0] == __version__


def test_the_hooks_are_valid_and_run_what_the_check_runs() -> None:
    config = ROOT / ".pre-commit-config.yaml"
    program = Path(sys.executable).with_name("pre-commit")
    subprocess.run([program, "validate-config", config], check=True, timeout=60)
    hooks = {hook["id"]: hook["entry"] for hook in load(config)["repos"][0]["hooks"]}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for name, command in (("ruff", "ruff check"), ("ruff-format", "ruff format --check")):
        assert hooks[name].startswith(f".venv/bin/{command}")
        assert f"$(BIN)/{command} ." in makefile
    assert (ROOT / hooks["docs"].split()[-1]).is_file()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_asks_for_something(form: Path) -> None:
    asked = load(form)
    assert asked["name"]
    assert asked["description"]
    required = [
        field["id"] for field in asked["body"] if field.get("validations", {}).get("required")
    ]
    assert required


def test_what_people_look_for_is_there() -> None:
    files = (
        *("LICENSE", "SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "poutama/py.typed"),
        *(".github/CODEOWNERS", ".github/pull_request_template.md"),
    )
    assert len(FORMS) == 2
    assert [name for name in files if not (ROOT / name).is_file()] == []
