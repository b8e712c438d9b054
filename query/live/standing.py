"""Where an entity stands: by that it is known what was written, and that something was deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from query.rows import by_task, of_entities
from schema.living import ENTITIES
from schema.registry import Entity
from schema.rows import Row
from schema.store import Store
from schema.tables import SCALAR

STANDING_SQL = f"""
SELECT task, event_type, max(latest.batch) AS batch, max(max_iter) AS newest_iter, max(received_at) AS received,
    max(timestamp) AS newest_timestamp
FROM metric_index WHERE {ENTITIES} GROUP BY task, event_type
"""
DELETIONS_SQL = f"SELECT task, max(seq) AS newest FROM tombstones WHERE {ENTITIES} GROUP BY task"

Position = tuple[int, int]  # newest batch of scalars, newest deletion


@dataclass(frozen=True)
class Standing:
    """Where an entity stands. ``marks``: of each event type, the same while nothing of it is written."""

    position: Position = (0, 0)
    last_iteration: int = 0
    marks: Mapping[str, Any] = field(default_factory=dict)

    def changed_since(self, earlier: Standing) -> list[str]:
        """The event types that were written."""
        return sorted(name for name, mark in self.marks.items() if mark != earlier.marks.get(name))

    def is_other_than(self, earlier: Standing) -> bool:
        """Whether there is more to it than new points: a deletion, or scalars without a value or of an older batch."""
        (batch, deletion), (earlier_batch, earlier_deletion) = self.position, earlier.position
        return deletion != earlier_deletion or (batch == earlier_batch and SCALAR in self.changed_since(earlier))


async def standings(store: Store, entities: Sequence[Entity]) -> dict[str, Standing]:
    """Where each of them stands, by id."""
    if not entities:
        return {}
    parameters = of_entities(entities)
    rows, deletions = await asyncio.gather(store.read(STANDING_SQL, parameters), store.read(DELETIONS_SQL, parameters))
    deleted = {row["task"]: row["newest"] for row in deletions}
    marks = by_task(rows)
    return {e.id: _standing(marks.get(e.id, ()), deleted.get(e.id, 0)) for e in entities}


def _standing(rows: Iterable[Row], deletion: int) -> Standing:
    found = list(rows)
    marks = {row.pop("event_type"): row for row in found}
    batch = int(marks[SCALAR]["batch"]) if SCALAR in marks else 0
    return Standing((batch, int(deletion)), max((row["newest_iter"] for row in found), default=0), marks)
