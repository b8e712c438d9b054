"""Conditions of tombstones that are known before a statement.

A statement that looks them up itself (``schema/store/tombstone_filters.py``) takes up to twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from query.sql.statements import TRUE_SQL, entity_parameters
from query.sql.tombstones import newest_deletion
from schema.events.blocks import LOGS
from schema.events.rows import Row
from schema.registry import Entity
from schema.store.tombstone_filters import CLEARED_LINE_SQL, SEQ_SQL

NOT_DELETED_SINCE_SQL = f"{SEQ_SQL} > {{since:UInt64}}"
CLEARINGS = "{clearings:Array(Tuple(UInt64, Int64, Array(String), Array(String)))}"


@dataclass(frozen=True)
class TombstoneFilter:
    """The conditions that an event (``rows``), or a log line (``lines``), was not deleted.

    ``parameters``: of these conditions, and of OF_ENTITY_SQL.
    """

    rows: str
    lines: str
    parameters: Row

    @property
    def since(self) -> int:
        """The ``seq`` of the newest deletion of events; 0 if there is none."""
        return int(self.parameters["since"])

    @property
    def were_lines_deleted(self) -> bool:
        """Whether lines were deleted apart from other events."""
        return bool(self.parameters["clearings"])

    @classmethod
    def after(cls, tombstones: Sequence[Row], entity: Entity) -> TombstoneFilter:
        """Return the filter of an entity's tombstones."""
        since = newest_deletion(tombstones)
        clearings = [
            (row["seq"], row["through"], row["include"], row["exclude"])
            for row in tombstones
            if row["scope"] == LOGS and row["seq"] > since
        ]
        rows = NOT_DELETED_SINCE_SQL if since else TRUE_SQL
        lines = f"{rows} AND NOT arrayExists(t -> {CLEARED_LINE_SQL}, {CLEARINGS})" if clearings else rows
        return cls(rows, lines, entity_parameters(entity) | {"since": since, "clearings": clearings})
