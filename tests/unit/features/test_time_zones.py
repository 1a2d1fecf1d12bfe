"""A time zone is a name of the database of time zones, never a path into its folder."""

from __future__ import annotations

from typing import Any, cast

import pytest

from poutama.errors import BadUserInputError
from poutama.features.groups.procedures import CreateOrganisationInput, create_organisation
from poutama.procedure import ProcedureContext


class Founded(Exception):  # noqa: N818  what the test waits for
    """The organisation would be inserted now."""


class Changes:
    async def insert(self, *_: object, **__: object) -> None:
        raise Founded


class Context:
    changes = Changes()


async def found(time_zone: str) -> None:
    input: dict[str, Any] = {"name": "A", "region": "x", "retention_days": 730}
    input["time_zone"] = time_zone
    await create_organisation(cast("ProcedureContext", Context()), CreateOrganisationInput(**input))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "America",
        "Pacific/Atlantis",
        "../Pacific/Auckland",
        "/etc/localtime",
        "localtime",
        "Factory",
        "pacific/auckland",
    ],
)
async def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(BadUserInputError, match=r"input\.timeZone: expected an IANA time zone"):
        await found(name)


@pytest.mark.parametrize("name", ["Pacific/Auckland", "America/Indiana/Knox", "UTC"])
async def test_a_time_zone_is_taken(name: str) -> None:
    with pytest.raises(Founded):
        await found(name)
