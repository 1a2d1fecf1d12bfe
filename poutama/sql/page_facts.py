"""A PageInfo as SQL text. `sql.levels` uses it for both renderings. It knows no tables."""

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
