"""Measures statements of ClickHouse: how long they take, and which fail with which number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schema.errors import StoreRejected, Unavailable
from schema.metrics import STORE_ERRORS, STORE_SECONDS


@contextmanager
def measured(statement: str) -> Iterator[None]:
    """Measure a statement of a kind: ``read``, ``select``, ``insert`` or ``execute``."""
    with STORE_SECONDS.labels(statement).time():
        try:
            yield
        except (Unavailable, StoreRejected) as error:
            STORE_ERRORS.labels(statement, error.number).inc()
            raise
