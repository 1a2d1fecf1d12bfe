"""A PageInfo as text: of a page with rows in SQL, of one without as JSON.

Both renderings use it, by `sql.levels` and `sql.layout`. It knows no tables.
"""

from __future__ import annotations

from json import dumps

from poutama.plan.nodes import PageDetail, PageFact, PageInfo, Text
from poutama.sql.fragment import quote_text


def describe_facts(info: PageInfo, facts: dict[PageFact, str]) -> str:
    """A PageInfo as an SQL expression, given one for each fact."""
    parts = ["'{'"]
    for index, member in enumerate(info.members):
        parts.append(quote_text(f"{',' if index else ''}{dumps(member.key)}:"))
        match member:
            case Text(_, json):
                parts.append(quote_text(json))
            case PageDetail(_, fact):
                parts.append(facts[fact])
    return " || ".join([*parts, "'}'"])


def names_cursor(info: PageInfo) -> bool:
    """Whether a PageInfo asks for a cursor."""
    return any(
        isinstance(member, PageDetail) and member.fact in (PageFact.START, PageFact.END)
        for member in info.members
    )


def empty_facts(info: PageInfo, has_previous: bool) -> str:
    """The PageInfo of a page without rows, as JSON."""
    facts = {
        PageFact.HAS_NEXT: "false",
        PageFact.HAS_PREVIOUS: "true" if has_previous else "false",
        PageFact.START: "null",
        PageFact.END: "null",
    }
    members = (
        f"{dumps(member.key)}:{member.json if isinstance(member, Text) else facts[member.fact]}"
        for member in info.members
    )
    return "{" + ",".join(members) + "}"
