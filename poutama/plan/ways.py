"""Ways to rows, as frozen data: by memberships to people's rows, and through what a filter goes.

Part of `plan.nodes`, which is where every other module imports these from.
"""

from __future__ import annotations

from dataclasses import dataclass

from poutama.plan.predicates import ALWAYS, Exists, Predicate
from poutama.plan.values import Value
from poutama.schema.model import Column, Entity


@dataclass(frozen=True, slots=True)
class Link:
    """Current memberships by whose people rows belong to their parent.

    Attributes:
        entity: their type.
        key: their column that names the parent.
        students: whether only those as a student count.
        where: which of them the viewer may see.
        reach: of whose people the viewer may see such rows at all.
    """

    entity: Entity
    key: str
    students: bool
    where: Predicate = ALWAYS
    reach: Predicate = ALWAYS

    @property
    def person(self) -> str:
        """Their column that names the person."""
        assert self.entity.subject is not None
        return self.entity.subject


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows that a filter goes through, shown or not.

    Attributes:
        steps: the relations from the filtered rows to them, each with the rule of its rows; none
            for the filtered rows themselves.
        within: which of the filtered rows an index finds.
        times: how often the filter goes there; 0 where only the work of comparing is counted.
        texts: what is looked for within texts of these rows: the column, and the value.
        is_link: whether it is the memberships by which the rows belong to their parent.
    """

    steps: tuple[Exists, ...]
    within: Predicate = ALWAYS
    times: int = 1
    texts: tuple[tuple[Column, Value], ...] = ()
    is_link: bool = False
