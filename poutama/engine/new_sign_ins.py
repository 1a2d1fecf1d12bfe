"""What an account may send before it is a person: a short document of the mutations for it alone.

`Engine.execute` asks: by the text before anything is parsed, and by the root fields before anything
is planned. Which mutations these are is declared in the schema (`@permit(newSignIn: true)`).
"""

from __future__ import annotations

from graphql import FieldNode

from poutama.errors import ForbiddenError
from poutama.plan.operation import GraphQLRequest, Operation
from poutama.schema.model import Model
from poutama.viewer import Viewer

LONGEST_DOCUMENT = 2_000
"""Characters."""


def refuse_text(model: Model, request: GraphQLRequest, viewer: Viewer | None) -> None:
    """Refuse what cannot be meant for an account that is not a person; nothing is parsed for it.

    Raises:
        ForbiddenError: the account is not a person, and this is not what it may ask for.
    """
    if viewer is None or viewer.sign_in is None:
        return
    named = any(name in request.query for name in _names(model))
    if not named or len(request.query) > LONGEST_DOCUMENT:
        raise ForbiddenError(viewer.sign_in.refusal)


def refuse_fields(model: Model, operation: Operation, viewer: Viewer | None) -> None:
    """The same of an operation that was parsed.

    Raises:
        ForbiddenError: a root field is not for an account that is not a person.
    """
    if viewer is None or viewer.sign_in is None:
        return
    allowed = {*_names(model), "__typename"}
    fields = operation.node.selection_set.selections
    if not operation.is_mutation or not all(
        isinstance(each, FieldNode) and each.name.value in allowed for each in fields
    ):
        raise ForbiddenError(viewer.sign_in.refusal)


def _names(model: Model) -> list[str]:
    return [name for name, mutation in model.mutations.items() if mutation.new_sign_in]
