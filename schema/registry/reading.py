"""One read of the registry: interrupted after a time, or once nobody waits for what it finds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from schema.fairness.interruption import Interruption

READ_SECONDS = 10.0  # of one read, which has one of the threads
OPERATIONS = 10_000  # of SQLite, after which it asks whether to go on: about a millisecond
CANCEL_SECONDS = 2.0  # for PostgreSQL to take note

Result = TypeVar("Result")


def read_within_bounds(
    work: Callable[[sa.Connection], Result], interruption: Interruption, connection: sa.Connection
) -> Result:
    """Run work that reads, for ``READ_SECONDS`` at most. Raises ClientGone if it is abandoned already."""
    database: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(READ_SECONDS * 1000)}")
        with interruption.by(partial(database.cancel_safe, timeout=CANCEL_SECONDS)):
            return work(connection)
    end = time.monotonic() + READ_SECONDS
    database.set_progress_handler(lambda: time.monotonic() > end, OPERATIONS)
    try:
        with interruption.by(database.interrupt):
            return work(connection)
    finally:
        database.set_progress_handler(None, 0)
