"""Migrations of the registry's schema, with Alembic; the only import of it besides the revisions.

A registry knows its revision (table ``alembic_version``). One from before there were revisions is taken for an empty
one whose tables happen to be there. Revisions only add what older processes do not miss, so that these can go on beside
newer ones; the way back from an upgrade is the older version on a backup.
"""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa

from schema.errors import ConfigError
from schema.registry.tables import METADATA

# The newest of migrations/versions: known without loading Alembic, which takes longer than all else of a usual start.
HEAD = "0009"
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
VERSION_SQL = sa.text(f"SELECT version_num FROM {VERSION_TABLE}")
LOCK_NUMBER = 0x65767363  # of PostgreSQL's advisory lock; another one than that of ``Database.exclusively``

logger = logging.getLogger("eventide.registry")


def upgrade(connection: sa.Connection) -> None:
    """Apply the revisions that are missing, in the connection's transaction.

    Raises ConfigError for a registry of a newer version, and for one that lacks columns all the same.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_NUMBER)))
    found = revision_of(connection)
    if found != HEAD:
        _apply(connection, found)
        logger.info("registry upgraded from revision %s to %s", found or "none", HEAD)
    check_columns(connection)


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision of a registry; None of an empty one, and of one of before revisions began."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(VERSION_SQL).scalar()


def check_revision(connection: sa.Connection) -> None:
    """Raise ConfigError unless a process that does not migrate can work on this registry.

    Newer ones can be worked on: while tiers are replaced one after the other, old processes are started on them, too.
    """
    found = revision_of(connection)
    if found is None or found < HEAD:
        message = f"The registry has revision {found or 'none'}, and {HEAD} is needed: run `eventide migrate` first"
        raise ConfigError(message)


def check_columns(connection: sa.Connection) -> None:
    """Raise ConfigError if a table lacks columns: somebody else made it."""
    there = sa.inspect(connection)
    for table in METADATA.sorted_tables:
        found = {column["name"] for column in there.get_columns(table.name)}
        if missing := {column.name for column in table.c} - found:
            raise ConfigError(
                f"The registry was made by something else: its table {table.name} has no {sorted(missing)}"
            )


def _apply(connection: sa.Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found and found not in known:
        raise ConfigError(
            f"The registry was upgraded by a newer version of Eventide, to revision {found}; this one knows {HEAD}. "
            "Run that version, or this one on a backup of before"
        )
    command.upgrade(config, HEAD)
