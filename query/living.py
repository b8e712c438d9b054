"""What was deleted of an entity, read before its rows.

A statement that finds it out itself (``schema/living.py``) takes up to twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass

from query.rows import Row, of_entity
from schema.living import CLEARED, ENTITY
from schema.registry import Entity
from schema.store import Store

TOMBSTONES_SQL = f"SELECT seq, scope = 'logs' AS is_of_logs, through, include, exclude FROM tombstones WHERE {ENTITY}"
LIVING = "seq > {since:UInt64}"
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


async def living(store: Store, entity: Entity) -> Living:
    """As it is now: what is deleted later may or may not be seen by a statement with these conditions."""
    where = of_entity(entity)
    tombstones = await store.read(TOMBSTONES_SQL, where)
    since = max((row["seq"] for row in tombstones if not row["is_of_logs"]), default=0)
    clearings = [
        (row["seq"], row["through"], row["include"], row["exclude"])
        for row in tombstones
        if row["is_of_logs"] and row["seq"] > since
    ]
    lines = f"{LIVING} AND NOT arrayExists(t -> {CLEARED}, {CLEARINGS})" if clearings else LIVING
    return Living(LIVING, lines, where | {"since": since, "clearings": clearings})
