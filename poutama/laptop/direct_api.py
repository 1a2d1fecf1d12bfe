"""GraphQL straight through the engine of production, without HTTP and without tokens.

For tools on a machine that people sit at, such as `poutama chaos`; never deployed.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer


class DirectApi:
    """The API over one database; the caller names the viewer, without a token."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._engine = Engine(load_model(), database, settings, load_features().procedures)

    async def __call__(
        self,
        document: str,
        variables: Mapping[str, object],
        *,
        person: UUID,
        deadline: float,
        key: str | None = None,
    ) -> bytes:
        """Run one operation, under an idempotency key if one is given; the response's body.

        Raises:
            DatabaseError, TransactionMisuseError: what HTTP would mask.
        """
        answer = await self._engine.execute(
            GraphQLRequest(document, variables=variables),
            Viewer(person),
            deadline=deadline,
            idempotency_key=key,
        )
        return answer.body
