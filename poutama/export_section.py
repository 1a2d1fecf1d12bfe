"""`ExportSection`: what a feature adds to the export of a student's learning journey.

Features declare theirs (`poutama.feature`), the export reads them by the API's own compiler, in the
name of the person who asked, and writes each into `journey.json`, a CSV file and the printed
journey. Pure; knows no feature.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from poutama.errors import ConfigurationError

JsonObject: TypeAlias = dict[str, Any]
"""A row as GraphQL answers it."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class ExportParent(StrEnum):
    """Where in a journey a section's rows are."""

    JOURNEY = "JOURNEY"
    """They are the goals themselves; the feature that has goals declares the one such section."""
    GOAL = "GOAL"
    """A list field of `Goal`."""
    PERSON = "PERSON"
    """A list field of `Person`."""
    ACCESS = "ACCESS"
    """A list field of `Person`; only the answer to a request for access has it, never on paper."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A row of a section.

    Attributes:
        node: the row's fields.
        owner: the goal's or the person's.
        place: of the row among its owner's, from 1.
    """

    node: JsonObject
    owner: JsonObject
    place: int

    def read(self, path: str) -> Any:
        """The value at a path such as `author.name`; None where there is nothing on the way."""
        value: Any = self.node
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of a section's CSV file.

    Attributes:
        name: what the file calls it.
        value: the path to it in the row, or what computes it. Pure.
        label: what the printed journey calls it; empty: it is not printed.
    """

    name: str
    value: str | Callable[[ExportRow], Any]
    label: str = ""

    def read(self, row: ExportRow) -> Any:
        """The column's value in a row."""
        return row.read(self.value) if isinstance(self.value, str) else self.value(row)


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """The files that a section's rows have in the store.

    Attributes:
        keys: SQL that yields `id`, `object_key` and `thumbnail_key` for the ids in JSON at $1.
        title, media_type: the fields that a file is named by.
    """

    keys: str
    title: str = "title"
    media_type: str = "mediaType"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSection:
    """Rows that a journey has.

    A file of a row is packed, and the row's field `file` says where; null: it is not there.

    Attributes:
        name: the GraphQL field, the key in `journey.json`, and the CSV file's name.
        title: what people call it.
        parent: where its rows are.
        fields: what is selected of a row.
        arguments: of the field, in parentheses; or empty.
        columns: of its CSV file.
        arrange: changes a goal's or person's JSON in place after it has been read; None: it is
            exported as it was answered. Pure.
        rows: finds the rows again once it is arranged; None: they are the field's value. Pure.
        files: where its files are; for sections of goals.
        is_for_staff: whether a row, as it was read, is for staff alone: an export leaves it out
            unless the requester wanted it in; None: no row is. For sections of goals. Pure.
        place: sections are in the order of their places, then names.
    """

    name: str
    title: str
    parent: ExportParent
    fields: str
    columns: tuple[ExportColumn, ...]
    arguments: str = ""
    arrange: Callable[[JsonObject], None] | None = None
    rows: Callable[[JsonObject], Iterable[JsonObject]] | None = None
    files: ExportFiles | None = None
    is_for_staff: Callable[[JsonObject], bool] | None = None
    place: int = field(default=100)

    def __post_init__(self) -> None:
        """Refuse what cannot be exported.

        Raises:
            ConfigurationError: says which section, and why.
        """
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"export section {self.name!r}: name: expected a field's name")
        if self.files is not None and self.parent is not ExportParent.GOAL:
            raise ConfigurationError(
                f"export section {self.name!r}: files: expected parent GOAL, got {self.parent}"
            )
        if self.is_for_staff is not None and self.parent is not ExportParent.GOAL:
            raise ConfigurationError(
                f"export section {self.name!r}: is_for_staff: expected parent GOAL,"
                f" got {self.parent}"
            )

    @property
    def selection(self) -> str:
        """What is selected of the owner."""
        if self.parent is ExportParent.JOURNEY:
            return self.fields
        return f"{self.name}{self.arguments} {{ {self.fields} }}"

    def withhold(self, goal: JsonObject) -> None:
        """Take what is for staff alone out of a goal that was read and not yet arranged."""
        if self.is_for_staff is not None:
            goal[self.name] = [row for row in goal[self.name] if not self.is_for_staff(row)]

    def find_rows(self, owner: JsonObject) -> list[ExportRow]:
        """The owner's rows."""
        nodes: Iterable[JsonObject]
        if self.rows is not None:
            nodes = self.rows(owner)
        elif self.parent is ExportParent.JOURNEY:
            nodes = [owner]
        else:
            nodes = owner.get(self.name) or []
        return [ExportRow(node, owner, place) for place, node in enumerate(nodes, 1)]
