"""The sections of this installation's exports, in order, and the question that reads them.

Workers load them once, when they import the kind EXPORT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from graphql import GraphQLError, parse, validate

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
_NEEDED = frozenset(("goals", "tasks", "notes"))
_OF_PERSON = frozenset((ExportParent.PERSON, ExportParent.ACCESS))
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
    """

    of_goals: tuple[ExportSection, ...]
    of_person: tuple[ExportSection, ...]
    first_page: str
    next_page: str

    @property
    def all(self) -> tuple[ExportSection, ...]:
        """Of goals, then of the person."""
        return self.of_goals + self.of_person


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
    of_goals = tuple(each for each in ordered if each.parent not in _OF_PERSON)
    for section in ordered:
        _check_selection(section, model)
    selected = " ".join(section.selection for section in of_goals)
    of_the_person = " ".join(section.selection for section in of_person)
    return Sections(
        of_goals, of_person, _JOURNEY % (of_the_person, selected), _JOURNEY % ("", selected)
    )


def _check_selection(section: ExportSection, model: Model) -> None:
    under_person = section.parent in _OF_PERSON
    parts = (section.selection, "id") if under_person else ("", section.selection)
    try:
        errors = validate(model.schema, parse(_JOURNEY % parts))
    except GraphQLError as error:
        errors = [error]
    if errors:
        raise ConfigurationError(f"export section {section.name!r}: {errors[0].message}")
