"""The sections of this installation's exports, in order, and the question that reads them.

Workers load them once, when they import the kind EXPORT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from graphql import (
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    parse,
    validate,
)

from poutama.errors import ConfigurationError
from poutama.export_section import ExportParent, ExportSection
from poutama.features import load_features
from poutama.schema.model import Model

_JOURNEY = """
query ($person: UUID!, $first: Int!, $after: String) {
  person(personId: $person) {
    name
    zones: memberships(first: 5) { organisation { timeZone } }
    %s
    goalsConnection(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { %s }
    }
  }
}
"""
_LIST = """
query ($owner: UUID!, $first: Int!, $after: String) {
  owner: %s {
    rows: %sConnection(first: $first, after: $after%s) {
      nodes { %s }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_WHOLE = "query ($owner: UUID!) { owner: %s { %s } }"
_OWNERS = {
    ExportParent.GOAL: "goals(goalId: $owner)",
    ExportParent.PERSON: "person(personId: $owner)",
    ExportParent.ACCESS: "person(personId: $owner)",
}
_NEEDED = frozenset(("goals", "tasks", "notes"))
_OF_PERSON = frozenset((ExportParent.PERSON, ExportParent.ACCESS))
OF_GOALS = frozenset((ExportParent.JOURNEY, ExportParent.GOAL))
LAID_OUT = _NEEDED | {"evidence"}
"""What the printed journey has a layout for; every other section is printed plainly."""


@dataclass(frozen=True, slots=True)
class Sections:
    """What an export has.

    Attributes:
        of_goals: the goals themselves, then what is under each.
        of_person: what is under the person.
        first_page: the question for the first goals, and for what is under the person.
        next_page: for the goals after them.
        without_lists: for goals without what is under them, or under the person.
        moments: section -> the columns of its CSV file that are moments.
    """

    of_goals: tuple[ExportSection, ...]
    of_person: tuple[ExportSection, ...]
    first_page: str
    next_page: str
    without_lists: str
    moments: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def all(self) -> tuple[ExportSection, ...]:
        """Of goals, then of the person."""
        return self.of_goals + self.of_person

    @property
    def lists(self) -> tuple[ExportSection, ...]:
        """What is under a goal."""
        return tuple(each for each in self.of_goals if each.parent is ExportParent.GOAL)


def select_page(section: ExportSection) -> str:
    """The question for a page of a section's rows, by the id of their owner."""
    arguments = section.arguments.strip("()")
    rows = (section.name, f", {arguments}" if arguments else "", section.fields)
    return _LIST % (_OWNERS[section.parent], *rows)


def select_whole(section: ExportSection) -> str:
    """The question for a section that is a page itself."""
    return _WHOLE % (_OWNERS[section.parent], section.selection)


def _select_goals(sections: Iterable[ExportSection]) -> str:
    return " ".join(each.fields for each in sections if each.parent is ExportParent.JOURNEY)


@cache
def load_sections(*, access: bool = False) -> Sections:
    """What the features of this installation have.

    `access`: of the answer to a request for access.

    Raises:
        ConfigurationError: as `arrange_sections`.
    """
    features = load_features()
    return arrange_sections(features.exports.values(), features.model, access=access)


def arrange_sections(
    declared: Iterable[ExportSection], model: Model, *, access: bool = False
) -> Sections:
    """Put sections in order, and hold them to the schema; with `access`, what only an access has.

    Raises:
        ConfigurationError: a section cannot be read from the schema, or one that is needed is not
            there; says which.
    """
    ordered = sorted(declared, key=lambda section: (section.place, section.name))
    missing = _NEEDED - {section.name for section in ordered}
    if missing:
        raise ConfigurationError(f"export: no feature has the section {', '.join(sorted(missing))}")
    parents = {ExportParent.PERSON} | ({ExportParent.ACCESS} if access else set())
    of_person = tuple(each for each in ordered if each.parent in parents)
    of_goals = tuple(each for each in ordered if each.parent in OF_GOALS)
    for section in ordered:
        _check_selection(section, model)
    selected = " ".join(section.selection for section in of_goals)
    of_the_person = " ".join(section.selection for section in of_person)
    return Sections(
        of_goals,
        of_person,
        first_page=_JOURNEY % (of_the_person, selected),
        next_page=_JOURNEY % ("", selected),
        without_lists=_JOURNEY % ("", _select_goals(of_goals)),
        moments={section.name: _find_moments(section, model) for section in ordered},
    )


def _find_moments(section: ExportSection, model: Model) -> frozenset[str]:
    """The columns whose path leads to a `DateTime` of the schema."""
    owner = "Person" if section.parent in _OF_PERSON else "Goal"
    start = () if section.parent is ExportParent.JOURNEY else (section.name,)
    return frozenset(
        column.name
        for column in section.columns
        if isinstance(column.value, str)
        and _find_type(model, owner, (*start, *column.value.split("."))) == "DateTime"
    )


def _find_type(model: Model, owner: str, path: Iterable[str]) -> str:
    """The name of the type at a path of fields; empty where it leaves the schema, as `file`."""
    found: GraphQLNamedType = model.schema.type_map[owner]
    for key in path:
        if not isinstance(found, GraphQLObjectType):
            return ""
        rows = found.fields.get("nodes")
        if rows is not None:  # a connection
            found = get_named_type(rows.type)
        if not isinstance(found, GraphQLObjectType) or key not in found.fields:
            return ""
        found = get_named_type(found.fields[key].type)
    return found.name


def _check_selection(section: ExportSection, model: Model) -> None:
    under_person = section.parent in _OF_PERSON
    parts = (section.selection, "id") if under_person else ("", section.selection)
    try:
        errors = validate(model.schema, parse(_JOURNEY % parts))
    except GraphQLError as error:
        errors = [error]
    if errors:
        raise ConfigurationError(f"export section {section.name!r}: {errors[0].message}")
