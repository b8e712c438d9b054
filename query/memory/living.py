"""What was deleted of an entity, read before its rows.

A statement that finds it out itself (``schema/living.py``) takes up to twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from query.memory.known import Known
from query.memory.tombstones import newest_deletion
from query.rows import ANY, of_entity
from schema.blocks import LOGS
from schema.living import CLEARED, WRITTEN
from schema.registry import Entity
from schema.rows import Row

LIVING = f"{WRITTEN} > {{since:UInt64}}"
CLEARINGS = "{clearings:Array(Tuple(UInt64, Int64, Array(String), Array(String)))}"


@dataclass(frozen=True)
class Living:
    """``rows``, ``lines``: the conditions that an event, or a log line, was not deleted.

    ``parameters``: of these conditions, and of ENTITY.
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
        """Apart from other events."""
        return bool(self.parameters["clearings"])

    @classmethod
    def after(cls, tombstones: Sequence[Row], entity: Entity) -> Living:
        """What these tombstones of the entity leave."""
        since = newest_deletion(tombstones)
        clearings = [
            (row["seq"], row["through"], row["include"], row["exclude"])
            for row in tombstones
            if row["scope"] == LOGS and row["seq"] > since
        ]
        rows = LIVING if since else ANY
        lines = f"{rows} AND NOT arrayExists(t -> {CLEARED}, {CLEARINGS})" if clearings else rows
        return cls(rows, lines, of_entity(entity) | {"since": since, "clearings": clearings})


async def living(known: Known, entity: Entity) -> Living:
    """As it is now: what is deleted later may or may not be seen by a statement with these conditions."""
    return Living.after(await known.tombstones(entity), entity)
