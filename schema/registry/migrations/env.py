"""The environment in which Alembic migrates: the connection and transaction that ``migrate`` gives it."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
