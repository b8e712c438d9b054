"""Migrations of ClickHouse: ``migrations/*.sql``, applied in order, once each, forward only.

ClickHouse has no locks: the caller holds the registry's (``Registry.exclusively``), so that two starting processes do
not race. A file that fails half-way is applied again as a whole: its statements must bear that (IF NOT EXISTS).
"""

from __future__ import annotations

from importlib.resources import files
from string import Template

import pyarrow as pa

from schema.store import Store

APPLIED_TABLE_SQL = "CREATE TABLE IF NOT EXISTS migrations (name String) ENGINE = ReplacingMergeTree ORDER BY name"
APPLIED_SQL = "SELECT name FROM migrations FINAL"
SINGLE_SERVER = {"replacing": "ReplacingMergeTree", "aggregating": "AggregatingMergeTree"}


def migrate(store: Store) -> list[str]:
    """Apply the migrations that are missing; return their names. Raises Unavailable and StoreRejected."""
    store.execute(APPLIED_TABLE_SQL)
    done = {row["name"] for row in store.select(APPLIED_SQL)}
    missing = [(name, sql) for name, sql in migrations() if name not in done]
    for name, sql in missing:
        for statement in statements(sql):
            store.execute(statement)
        store.insert("migrations", pa.table({"name": [name]}))
    return [name for name, _ in missing]


def migrations() -> list[tuple[str, str]]:
    """Return all migrations as (name, SQL), in order."""
    found = [path for path in files("schema.store").joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    return [(path.name, path.read_text()) for path in sorted(found, key=lambda path: path.name)]


def statements(sql: str) -> list[str]:
    """Return the statements of a file with their engines filled in."""
    rendered = Template(sql).substitute(SINGLE_SERVER)
    return [statement for part in rendered.split(";\n") if (statement := part.strip())]
