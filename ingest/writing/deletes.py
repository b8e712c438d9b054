"""The rows that a batch's deletions erase, in as few statements as can be: each looks at every part of its table.

Readers do not wait for it: tombstones hide what is deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from schema.events.blocks import ALL, LOGS, Deletion
from schema.events.tables import LOG, SCALAR, TABLES
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITY_SQL

COVERED_SQL = f"{OF_ENTITY_SQL} AND seq <= {{seq:UInt64}}"
COVERED_LINES_SQL = (
    COVERED_SQL
    + " AND timestamp <= {through:Int64} AND NOT has({exclude:Array(String)}, metric)"
    + " AND (empty({include:Array(String)}) OR has({include:Array(String)}, metric))"
)
ERASE_SQL = """
DELETE FROM $table WHERE company = {company:String} AND task IN {tasks:Array(String)}
    AND $place <= transform(task, {tasks:Array(String)}, {seqs:Array(UInt64)}, toUInt64(0))
"""
INDEX = "metric_index"
ROLLUPS = ("rollups", "rollup_marks")  # of scalars
# Of statistics, and of roll-ups, those since an earlier deletion go; of events, by their ``seq``.
PLACES = {INDEX: "since_reset + 1"} | dict.fromkeys(ROLLUPS, "since + 1")


def covered_condition(deletion: Deletion) -> str:
    """Return the SQL condition of the rows that a deletion covers."""
    return COVERED_LINES_SQL if deletion.scope == LOGS else COVERED_SQL


def covered_parameters(deletion: Deletion, seq: int) -> dict[str, Any]:
    """Return the parameters of ``covered_condition``."""
    key = {"company": deletion.company, "task": deletion.entity, "seq": seq}
    return key | {name: getattr(deletion, name) for name in ("through", "include", "exclude")}


class PendingDeletes:
    """Deletions that have a tombstone, and whose rows are not erased yet."""

    def __init__(self) -> None:
        self._lines: list[tuple[Deletion, int]] = []
        self._entities: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)  # by table and company: up to where

    def add(self, deletion: Deletion, seq: int, tables: Sequence[str]) -> None:
        """Add a deletion. ``tables``: those with rows that it covers."""
        if deletion.scope == LOGS:
            if tables:
                self._lines.append((deletion, seq))
            return
        tables = (*tables, *ROLLUPS) if TABLES[SCALAR].name in tables else tables
        for table in (*tables, INDEX) if deletion.scope == ALL else tables:
            through = self._entities[table, deletion.company]
            through[deletion.entity] = max(seq, through.get(deletion.entity, 0))

    def run(self, store: Store) -> None:
        """Erase all rows that the deletions cover. Raises Unavailable."""
        for deletion, seq in self._lines:
            store.execute(
                f"DELETE FROM {TABLES[LOG].name} WHERE {COVERED_LINES_SQL}", covered_parameters(deletion, seq)
            )
        for (table, company), through in self._entities.items():
            statement = ERASE_SQL.replace("$table", table).replace("$place", PLACES.get(table, "seq"))
            store.execute(statement, {"company": company, "tasks": list(through), "seqs": list(through.values())})
