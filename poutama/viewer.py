"""Who is asking: the one value every rule of visibility is written against.

Made by `edge.tokens` from a verified bearer token; read by the plan's guard, which turns it into
parameters of the statement. It never carries the token itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

_NAMESPACE = UUID("5b1c6c0e-4f3f-4f0e-9d0f-0a5f3a1f7c11")


@dataclass(frozen=True, slots=True)
class NewSignIn:
    """An account of an issuer that is not a person here yet.

    Attributes:
        issuer: who vouches for it.
        subject: what the issuer calls it.
        refusal: what it is answered to all that needs a person.
    """

    issuer: str
    subject: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, named by the id of their `person` row.

    With `sign_in` it is not a person yet: the id is that of no row, and of this account alone. Such
    a viewer calls the mutations that declare `@permit(newSignIn: true)`, and nothing else.
    """

    person_id: UUID
    sign_in: NewSignIn | None = None

    @classmethod
    def of_sign_in(cls, sign_in: NewSignIn) -> Viewer:
        """The viewer that an account is before it is a person."""
        return cls(uuid5(_NAMESPACE, f"{sign_in.issuer}\n{sign_in.subject}"), sign_in)
