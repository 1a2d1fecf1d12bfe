"""`pytest tests/golden --update` writes the documents anew; then look at the difference."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="write the golden documents anew instead of comparing"
    )


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    # Unknown where pytest was started without naming this folder.
    return bool(request.config.getoption("--update", default=False))
