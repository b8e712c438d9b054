"""The number of ClickHouse's threads for a statement: to share little work among two costs more than it saves."""

from __future__ import annotations

ONE_THREAD = " SETTINGS max_threads = 1"
ONE_THREAD_ROWS = 100_000


def threads(rows: int) -> str:
    """Return the SETTINGS of a statement that reads about so many rows."""
    return ONE_THREAD if rows <= ONE_THREAD_ROWS else ""
