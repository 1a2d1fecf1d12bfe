"""What the tests know of a feature: one `FeatureRecord` in `tests/features/<feature>.py`.

Every test that goes through all mutations, or through all types that payloads have, reads these
records, and fails with the name of the file to edit where one is missing. A record is written by
hand from what was promised to schools: the product's declarations are compared with it, so it takes
nothing from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

from tests.reference.changes import Effect
from tests.reference.policy import Policy, Row
from tests.strategies.drawing import Drawing

Input: TypeAlias = Mapping[str, object]
SampleRow: TypeAlias = tuple[str, Mapping[str, object]]
"""A table, and a row of it."""
Values: TypeAlias = tuple[Any, ...] | Callable[[Drawing], Any]
"""The values of an input field to choose from, or what draws one."""


class Caller(StrEnum):
    """What a caller is to the student, the group and the organisation of the sample rows."""

    ANONYMOUS = "not signed in"
    STRANGER = "stranger"
    STUDENT = "the student"
    CLASSMATE = "another student of the group"
    MENTOR = "mentor"
    OTHER_MENTOR = "mentor of another group"
    ENDED_MENTOR = "mentor who has left"
    MANAGER = "manager"
    ADMIN = "admin"
    OTHER_ADMIN = "admin of another organisation"
    CAREGIVER = "caregiver"


SIGNED_IN = frozenset(Caller) - {Caller.ANONYMOUS}
NO_CALLER = frozenset[Caller]()
STUDENT = frozenset({Caller.STUDENT})
MENTOR = frozenset({Caller.MENTOR})
OTHER_MENTOR = frozenset({Caller.OTHER_MENTOR})
MANAGER = frozenset({Caller.MANAGER})
ADMIN = frozenset({Caller.ADMIN})
CAREGIVER = frozenset({Caller.CAREGIVER})
LEADERS = MANAGER | ADMIN


class Id(str):
    """Stands in an input for the id of the sample row that has this name."""

    __slots__ = ()


def not_drawn(*_: object) -> NoReturn:
    """What the record of another package has in the place of `may` and `does`: the worlds that are
    drawn have no rows of its types.
    """
    raise LookupError("this mutation is of another package, and not for worlds that are drawn")


@dataclass(frozen=True, slots=True)
class Case:
    """What a mutation may be about: an input that is valid over the sample rows, and who may."""

    about: str
    input: Input
    allowed: frozenset[Caller]


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationRecord:
    """What the tests know of one mutation.

    Attributes:
        name: its field in the schema.
        cases: one for each kind of row it may be about.
        may: the policy's rule, for any row of any world: whether the viewer may do it.
        does: what it does to the rows of a world, and what its payload is about.
        agree: makes parts of a drawn input go together, as they do where a person means it.
        may_repeat: it answers a caller for whom it happened already, and changes nothing.
        single: of a mutation of several inputs, the one that does the same for one.
    """

    name: str
    cases: tuple[Case, ...]
    may: Callable[[Policy, Row], bool] = not_drawn
    does: Effect = not_drawn
    agree: Callable[[Drawing, Row], Row] | None = None
    may_repeat: bool = False
    single: str = ""

    def for_several(self, name: str, does: Effect | None = None) -> MutationRecord:
        """The record of a mutation that does this for several inputs, each by itself.

        Args:
            name: the mutation.
            does: what it does, where that is not what each input alone would do.
        """
        return MutationRecord(
            name=name,
            cases=tuple(replace(case, input={"inputs": [case.input]}) for case in self.cases),
            may=self.may,
            does=does or (lambda doing, input: doing.one_by_one(self.does, input["inputs"])),
            agree=self.agree,
            single=self.name,
        )


@dataclass(frozen=True, slots=True)
class VisibleType:
    """What a payload may give away of a type, and the ways on which a query leads to a row of it.

    Attributes:
        selected: a selection set; all that others must not see through it.
        ways: root fields with `%` for the selection; `$id` is the row's, `$goal` the sample goal's.
    """

    selected: str
    ways: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRecord:
    """What the tests know of one feature.

    Attributes:
        mutations: one for each of the feature's.
        rows: the sample rows, besides people, groups and memberships, in an order they can be
            inserted in.
        needs: features whose sample rows are inserted before.
        ids: input field -> the type whose row it names.
        values: any other input field -> its values.
        shown: type -> what its payloads may show.
    """

    mutations: tuple[MutationRecord, ...]
    rows: Callable[[], Iterator[SampleRow]] = lambda: iter(())
    needs: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)
    shown: Mapping[str, VisibleType] = field(default_factory=dict)
