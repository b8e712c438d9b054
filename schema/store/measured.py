"""Measures statements of ClickHouse: how long they take, and which fail with which number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schema.errors import StoreRejected, Unavailable
from schema.metrics import STORE_ERRORS, STORE_SECONDS
from schema.tracing import statement_span


@contextmanager
def measured(statement: str, text: str) -> Iterator[None]:
    """Measure and trace a statement: ``read``, ``select``, ``insert`` (whose ``text`` is the table) or ``execute``."""
    with statement_span("clickhouse", statement, text), STORE_SECONDS.labels(statement).time():
        try:
            yield
        except (Unavailable, StoreRejected) as error:
            STORE_ERRORS.labels(statement, error.number).inc()
            raise
