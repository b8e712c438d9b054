"""The rows of a listing, read a few at a time, within a bound on the bytes of their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from schema.errors import InvalidField
from schema.registry.tables import Kind

MAX_BYTES = 64 << 20  # of whole documents in one listing; in memory they take four to five times as much
MAX_READ_BYTES = 256 << 20  # of documents of which only some fields are kept
ROWS_AT_ONCE = 20
BODY_BYTES = "body_bytes"


def body_bytes(kind: Kind) -> sa.Label[int]:
    """Return the column that ``listed_rows`` counts: the characters of a body, mostly as many as its bytes."""
    return sa.func.length(sa.cast(kind.bodies.c.body, sa.Text)).label(BODY_BYTES)


def listed_rows(connection: sa.Connection, query: sa.Select[Any], max_bytes: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query without BODY_BYTES. Raises InvalidField beyond ``max_bytes``; one always fits."""
    total = 0
    found = connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}).mappings()
    for number, row in enumerate(found):
        columns = dict(row)
        total += columns.pop(BODY_BYTES, 0)
        if total > max_bytes and number:
            text = f"These documents have more than {max_bytes >> 20} MiB: list fewer, or only some of their fields"
            raise InvalidField(text)
        yield columns
