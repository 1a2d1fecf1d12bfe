"""What the pages on settings and error codes show works as it stands."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from poutama import errors, settings
from poutama.db.trace import StatementTrace, Tracer, fields_of
from poutama.errors import ConfigurationError, PoutamaError
from poutama.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str = "python") -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_setting_is_read_with_its_type() -> None:
    (block,) = blocks("add-a-setting.md")
    names: dict[str, Any] = {**vars(settings), "dataclass": dataclass}
    exec(f"@dataclass(frozen=True, kw_only=True)\nclass Extended(Settings):\n{block}", names)
    extended: Any = names["Extended"]
    assert Settings in extended.__bases__
    assert extended.from_environment({}).reminder_days == 7
    assert extended.from_environment({"POUTAMA_REMINDER_DAYS": "3"}).reminder_days == 3
    with pytest.raises(ConfigurationError, match="POUTAMA_REMINDER_DAYS: expected a whole number"):
        extended.from_environment({"POUTAMA_REMINDER_DAYS": "soon"})


def test_the_error_code_is_one() -> None:
    declared, raised, advice = blocks("add-an-error-code.md")
    names: dict[str, Any] = {**vars(errors), "__name__": __name__}
    exec(declared, names)
    with pytest.raises(PoutamaError) as found:
        exec(dedent(raised), names)
    error = found.value
    assert (error.code, error.status, error.safe) == ("GROUP_FULL", 422, True)
    assert error.message == "groupId: the group has 30 members, its limit."
    assert error.extensions == {"limit": "members", "allowed": 30}
    assert names["GroupFullError"]().message == "The group has as many members as it may have."
    assert [len(text) for text in eval(advice).values()] == [2]
    assert list(eval(advice)) == [error.code]


def test_a_record_of_the_log_has_what_the_page_shows(caplog: pytest.LogCaptureFixture) -> None:
    (shown,) = blocks("read-traces.md", "json")
    tracer = Tracer(spans=False)
    with caplog.at_level(logging.DEBUG, "poutama.db"):
        trace = StatementTrace(name="Dashboard", statement="SELECT 1", tries=1, rows=1)
        with tracer.measure(trace):
            pass
    assert json.loads(shown) == {**fields_of(trace), "milliseconds": 1.3}
    assert vars(caplog.records[0])["statement"] == fields_of(trace)
