"""How many rows of a type there may be: `@quota`, read into quotas.

Called by `entities`. A quota counts rows with one value in a column, such as the goals of a person.
Its limit is a setting, so that a school never meets it and an operator can move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from poutama.errors import SchemaError
from poutama.schema.directives import Directed, find_directives
from poutama.settings import Settings

_DEFAULTS = {item.name: item.default for item in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Exemption:
    """Rows are exempt whose `key` is the id of a row of the table in which `column` is true."""

    key: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Quota:
    """One `@quota` of a type.

    Attributes:
        within: the column whose value the counted rows share.
        by: another such column, or None.
        unless: which rows are neither counted nor held to it.
        what: what is counted, in words: the subject of the message.
        advice: what to do when it is used up; empty where waiting is all there is to do.
        setting: the name of the setting with the limit, or else
        limit: the limit itself.
        rows: only rows count whose columns hold one of these words.
        hours: only rows count that were created in so many hours; None for all there are.
    """

    within: str
    what: str
    advice: str = ""
    setting: str | None = None
    limit: int | None = None
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hours: int | None = None
    by: str | None = None
    unless: Exemption | None = None

    def allowed(self, settings: Settings) -> int:
        """How many rows there may be."""
        found = self.limit if self.setting is None else getattr(settings, self.setting)
        assert isinstance(found, int)
        return found

    @property
    def name(self) -> str:
        """What errors call it: the setting's name without `max_`, in camel case; or `rows`."""
        first, *others = (self.setting or "rows").removeprefix("max_").split("_")
        return first + "".join(word.capitalize() for word in others)


def load_quotas(
    where: str,
    node: Directed,
    columns: Mapping[str, tuple[str, Sequence[str]]],
    exemptions: Mapping[str, Exemption],
) -> tuple[Quota, ...]:
    """The quotas that a type's definition or extension declares.

    Args:
        where: the type's name.
        node: its definition, or an extension.
        columns: field -> its column, and the words that it may hold where that is an enum.
        exemptions: what `unless` may name, as `organisation.verified`.

    Raises:
        SchemaError: a quota has no limit or two, or names a field or setting that is not there.
    """
    return tuple(
        replace(
            _load(f"{where}: @quota", arguments, columns),
            unless=_load_exemption(f"{where}: @quota", arguments, exemptions),
        )
        for arguments in find_directives(node, "quota")
    )


def _load(
    where: str, arguments: Mapping[str, Any], columns: Mapping[str, tuple[str, Sequence[str]]]
) -> Quota:
    setting, limit, hours = arguments.get("setting"), arguments.get("limit"), arguments.get("hours")
    if (setting is None) == (limit is None):
        raise SchemaError(f"{where} takes one of setting and limit.")
    if setting is not None and type(_DEFAULTS.get(setting)) is not int:
        raise SchemaError(f"{where}(setting: {setting!r}) is not a setting with a whole number.")
    if (limit is not None and limit < 0) or (hours is not None and hours < 1):
        raise SchemaError(f"{where}: expected limit >= 0 and hours >= 1.")
    if hours is not None and "createdAt" not in columns:
        raise SchemaError(f"{where}(hours:) needs a field createdAt.")
    if hours is None and not arguments.get("advice"):
        raise SchemaError(f"{where}: say with advice what to do when it is used up.")
    return Quota(
        within=arguments["within"],
        what=arguments["what"],
        advice=arguments.get("advice", ""),
        setting=setting,
        limit=limit,
        rows=tuple(_load_row(where, each, columns) for each in arguments.get("row") or ()),
        hours=hours,
        by=arguments.get("by"),
    )


def _load_exemption(
    where: str, arguments: Mapping[str, Any], exemptions: Mapping[str, Exemption]
) -> Exemption | None:
    named = arguments.get("unless")
    if named is not None and named not in exemptions:
        known = ", ".join(sorted(exemptions)) or "none"
        raise SchemaError(f"{where}(unless: {named!r}): expected one of {known}.")
    return None if named is None else exemptions[named]


def _load_row(
    where: str, arguments: Mapping[str, Any], columns: Mapping[str, tuple[str, Sequence[str]]]
) -> tuple[str, tuple[str, ...]]:
    field, words = arguments["field"], tuple(arguments["in"])
    if field not in columns or not words:
        raise SchemaError(f"{where}(row:): {field} is not a field with words, or none are given.")
    column, known = columns[field]
    strange = [word for word in words if known and word not in known]
    if strange:
        raise SchemaError(f"{where}(row:): {strange[0]} is not one of {', '.join(known)}.")
    return column, words
