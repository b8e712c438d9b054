"""What ClickHouse says of its disks and tables, for the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import Gauge

from schema.errors import EventsError
from schema.events.rows import Row
from schema.metrics import (
    NOT_KNOWN,
    STORE_BYTES,
    STORE_DISK_FREE,
    STORE_DISK_SIZE,
    STORE_MUTATIONS,
    STORE_PARTS,
    STORE_ROWS,
)
from schema.store.store import Store

LOOK_SECONDS = 15.0
DISKS_SQL = "SELECT name, unreserved_space AS free, total_space AS size FROM system.disks WHERE total_space > 0"
TABLES_SQL = """
SELECT table, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
"""
MUTATIONS_SQL = "SELECT count() AS mutations FROM system.mutations WHERE NOT is_done AND database = currentDatabase()"


class StoreState:
    """Measures the disks and tables of a store. What is not known is not shown: alerts on it would be wrong."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def measure(self) -> None:
        """Measure once. Raises Unavailable and StoreRejected."""
        try:
            disks, tables = await self._store.read(DISKS_SQL), await self._store.read(TABLES_SQL)
            (mutations,) = await self._store.read(MUTATIONS_SQL)
        except EventsError:
            _publish([], [], NOT_KNOWN)
            raise
        _publish(disks, tables, mutations["mutations"])


def _publish(disks: Iterable[Row], tables: Iterable[Row], mutations: float) -> None:
    _set(STORE_DISK_FREE, {row["name"]: row["free"] for row in disks})
    _set(STORE_DISK_SIZE, {row["name"]: row["size"] for row in disks})
    _set(STORE_PARTS, {row["table"]: row["parts"] for row in tables})
    _set(STORE_ROWS, {row["table"]: row["rows"] for row in tables})
    _set(STORE_BYTES, {row["table"]: row["bytes"] for row in tables})
    STORE_MUTATIONS.set(mutations)


def _set(gauge: Gauge, values: Mapping[str, float]) -> None:
    gauge.clear()
    for label, value in values.items():
        gauge.labels(label).set(value)
