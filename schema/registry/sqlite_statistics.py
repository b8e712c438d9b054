"""Statistics for SQLite's planner, which without them takes every index to be equally good.

They describe a large registry: in a small one every plan is fast. PostgreSQL gathers its own.
"""

from __future__ import annotations

import sqlalchemy as sa

from schema.registry.tables import METADATA

ROWS = 100_000
ROWS_OF_ONE = {"company": ROWS, "project": 5_000, "status": 20_000, "parent": 100, "name": 2, "task": 5, "value": 500}
RELOAD_SQL = sa.text("ANALYZE sqlite_schema")
INSERT_SQL = sa.text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :text)")


def set_statistics(connection: sa.Connection) -> None:
    """Write the statistics; connections that are opened later read them."""
    connection.execute(sa.text("ANALYZE"))
    connection.execute(sa.text("DELETE FROM sqlite_stat1"))
    rows = [
        {"table": table.name, "index": index.name, "text": _statistics(index)}
        for table in METADATA.sorted_tables
        for index in table.indexes
    ]
    connection.execute(INSERT_SQL, rows)
    connection.execute(RELOAD_SQL)


def _statistics(index: sa.Index) -> str:
    """Return the number of rows, then how many share the first column, the first two, and so on."""
    shares, rows = [ROWS], ROWS
    for column in index.columns:
        rows = min(rows, ROWS_OF_ONE.get(column.name, ROWS if column.name == "field" else 1))
        shares.append(rows)
    return " ".join(map(str, shares))
