"""What Alembic runs for every command: puts its migrations on the connection it was handed.

Called by Alembic on behalf of `poutama.db.migrate`, which opens the connection, holds the lock and
chooses the dialect. It never opens a connection and never reads the environment.
"""

from __future__ import annotations

from alembic import context

from poutama.errors import ConfigurationError

_attributes = context.config.attributes

if "connection" not in _attributes:
    raise ConfigurationError("Migrations are run by `poutama migrate`, which holds their lock.")

context.configure(
    connection=_attributes["connection"],
    on_version_apply=_attributes["on_version_apply"],
    version_table=_attributes["version_table"],
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
