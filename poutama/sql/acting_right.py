"""In whose right, and in which role, a viewer has to do with a row, by what allows it.

Every relationship comes from a membership of the viewer, and a membership is in an organisation and
has a role: `sql.audit` writes both into the entries, as `sql.write` writes the organisation into
new rows. Where several allow it, the first alternative counts, and of several memberships the one
whose organisation's id comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Exists,
    HasRelationship,
    HasWords,
    IsNull,
    Not,
    OneAmong,
    OneOf,
    OwnedBy,
    Predicate,
)
from poutama.schema.model import Column, RelationShape
from poutama.sql.condition import all_of
from poutama.sql.fragment import name_column, quote_name
from poutama.sql.predicate import Conditions
from poutama.sql.relationship import ORGANISATION_CHARACTERS, render_acting_right


def name_organisation(right: str) -> str:
    """The organisation's id, of what `render_right` returns."""
    return f"left({right}, {ORGANISATION_CHARACTERS})::uuid"


def name_role(right: str) -> str:
    """The role, of what `render_right` returns; NULL where it has none."""
    return f"nullif(substr({right}, {ORGANISATION_CHARACTERS + 1}), '')"


def render_right(
    conditions: Conditions,
    alias: str,
    predicate: Predicate,
    above: tuple[str, ...] = (),
    *,
    organisation: str | None = None,
) -> str | None:
    """The organisation's id and the role as one text, an expression over the row called `alias`.

    `above`: as for `Conditions.render`. `organisation`: the name of the id of the only one that
    counts. None where the predicate knows no relationship; NULL where none holds.
    """
    return _Rights(conditions, organisation).render(alias, predicate, above)


def names_right(predicate: Predicate) -> bool:
    """Whether a predicate asks for a relationship, so that it may name an organisation."""
    match predicate:
        case HasRelationship():
            return True
        case All(parts) | AnyOf(parts):
            return any(names_right(part) for part in parts)
        case Exists(_, _, where):
            return names_right(where)
        case _:
            return False


def list_columns(predicate: Predicate) -> tuple[str, ...]:
    """The columns of the row that a predicate is about, each once, as they are named in the table.

    What the organisation depends on: rows in which these are alike have the same one.
    """
    return tuple(dict.fromkeys(_columns(predicate)))


def _columns(predicate: Predicate) -> list[str]:
    match predicate:
        case Compare(column, folded=folded):
            return [column.search_name if folded else column.name]
        case HasWords(columns):
            return [column.search_name for column in columns]
        case IsNull(Column(name=name)) | OwnedBy(column=name):
            return [name]
        case HasRelationship(column=name):
            return [name, *_confining(predicate, 0)]
        case All(parts) | AnyOf(parts):
            return [name for part in parts for name in _columns(part)]
        case Not(part):
            return _columns(part)
        case Exists(relation, _, where):
            key = "id" if relation.shape is not RelationShape.ONE else str(relation.key)
            return [key, *_confining(where, 1)]
        case OneAmong():
            return ["id"]
        case OneOf(subject, _):
            return [subject.name] if isinstance(subject, Column) else []
        case _:
            assert_never(predicate)


def _confining(predicate: Predicate, above: int) -> list[str]:
    """The columns of the row so far above that confine memberships."""
    match predicate:
        case HasRelationship(confined=confined):
            return [each.within.column for each in confined if each.above == above]
        case All(parts) | AnyOf(parts):
            return [name for part in parts for name in _confining(part, above)]
        case Exists(_, _, where):
            return _confining(where, above + 1)
        case _:
            return []


@dataclass(frozen=True, slots=True)
class _Rights:
    """Renders rights; of one `organisation` where that is not None."""

    conditions: Conditions
    organisation: str | None

    def render(self, alias: str, predicate: Predicate, above: tuple[str, ...]) -> str | None:
        match predicate:
            case HasRelationship(column=column):
                name, rows = name_column(alias, column), (alias, *above)
                parameters = self.conditions.parameters
                return render_acting_right(parameters, name, predicate, rows, self.organisation)
            case All(parts):
                others = [part for part in parts if not names_right(part)]
                render = self.conditions.render
                condition = all_of(*(render(alias, part, above) for part in others))
                found = self._first(alias, parts, above)
                if found is None or not others:
                    return found
                return f"CASE WHEN {condition.text} THEN {found} END"
            case AnyOf(parts):
                return self._first(alias, parts, above)
            case Exists():
                return self._behind(alias, predicate, above)
            case Compare() | HasWords() | IsNull() | OwnedBy() | Not() | OneOf() | OneAmong():
                return None
            case _:
                assert_never(predicate)

    def _first(
        self, alias: str, parts: tuple[Predicate, ...], above: tuple[str, ...]
    ) -> str | None:
        found = [
            right
            for part in parts
            if names_right(part) and (right := self.render(alias, part, above)) is not None
        ]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})" if found else None

    def _behind(self, alias: str, predicate: Exists, above: tuple[str, ...]) -> str | None:
        if not names_right(predicate.where):
            return None
        table = predicate.target.table
        inner = self.conditions.names.take(table)
        found = self.render(inner, predicate.where, (alias, *above))
        joined = self.conditions.join(inner, predicate.relation, alias)
        first = "" if predicate.relation.shape is RelationShape.ONE else " ORDER BY 1 LIMIT 1"
        return f"(SELECT {found} FROM {quote_name(table)} AS {inner}{joined.where}{first})"
