"""Queries that lead to what another person wrote; `tests.strategies.questions` fills them."""

from __future__ import annotations

WAYS = (
    "{ groups { members { person { goals(filter: GOAL) { id } } } } }",
    "{ groups { membersConnection(first: 0, filter: { person: { goals: { some: GOAL } } })"
    " { totalCount } } }",
    "{ groups { members(filter: { or: [{ person: { goals: { every: GOAL } } },"
    " { person: { goals: { none: GOAL } } }] }) { role } } }",
    "{ groups(filter: { not: { members: { some: { person: { goals: { some: GOAL } } } } } })"
    " { name } }",
    "{ me { memberships(filter: { child: { goals: { every: GOAL } } }) { role } } }",
    "{ person(personId: PERSON) { goalsConnection(first: 0, filter: GOAL) { totalCount } } }",
    "{ person(personId: PERSON) { goals(first: 1, orderBy: [TITLE_DESC]) { tasks { information }"
    " notes { information } evidence { title } } } }",
    "{ person(personId: PERSON) { memberships(filter: { person: { goals: { some: GOAL } } })"
    " { id } } }",
)
"""Ways to what another person wrote, with places for a filter of goals and for that person's id."""
NOTE_WAYS = (
    "{ person(personId: PERSON) { goals(filter: GOAL) { id notes(filter: NOTE) { id } } } }",
    "{ person(personId: PERSON) { goals { notesConnection(filter: NOTE) { totalCount }"
    " notes(first: 1, orderBy: [INFORMATION_DESC]) { information } } } }",
    "{ person(personId: PERSON) { goals(filter: { notes: { some: NOTE } }) { title } } }",
    "{ person(personId: PERSON) { goalsConnection(filter: { notes: { none: NOTE } })"
    " { totalCount } } }",
    "{ person(personId: PERSON) { goals { evidence(filter: { note: NOTE }) { id } tasks {"
    " goal { notes { information } } } } } }",
)
HIDDEN_WAYS = (
    *WAYS,
    # Few notes are hidden: these ask as often as all others.
    *NOTE_WAYS,
    *NOTE_WAYS,
    "{ groups { progress { active overdue completed } } }",
)
