"""`Permits`: asks outside a mutation whether a person could call it now.

A job's step asks before it goes on: the person who requested it may have lost the right meanwhile.
The answer is that of the mutation's own `@permit` directives, compiled by the same guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from poutama.db.connection import Database
from poutama.plan.binding import Binding
from poutama.plan.procedure_calls import build_permits
from poutama.plan.values import Variable
from poutama.schema.model import Model
from poutama.sql.permit import render_permits
from poutama.sql.statement import Statement, bind_values
from poutama.viewer import Viewer


class Permits:
    """The permits of one model's mutations, asked of one database."""

    def __init__(self, model: Model, database: Database) -> None:
        self._model = model
        self._database = database
        self._statements: dict[tuple[str, tuple[str, ...]], Statement | None] = {}

    async def hold(
        self, mutation: str, input: Mapping[str, object], person: UUID, *, deadline: float
    ) -> bool:
        """Whether the person could call the mutation with this input, as of now.

        Args:
            mutation: the field's name.
            input: those fields of its input that its permits name.
            person: who would call it.
            deadline: absolute `time.monotonic()`.

        Raises:
            KeyError: an unknown mutation.
            UnavailableError, DeadlineExceededError: the database cannot be reached in time.
        """
        statement = self._find(mutation, tuple(input))
        if statement is None:
            return True
        binding = Binding(input, Viewer(person), max_page_size=0)
        (row,) = await self._database.read(
            statement.text, bind_values(statement, binding), deadline=deadline, name="permits"
        )
        return all(row)

    def _find(self, mutation: str, names: tuple[str, ...]) -> Statement | None:
        key = (mutation, names)
        if key not in self._statements:
            places = {name: Variable((name,)) for name in names}
            permits = build_permits(self._model, self._model.mutations[mutation], places)
            self._statements[key] = render_permits(permits)
        return self._statements[key]
