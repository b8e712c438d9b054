"""Watermarks of entities: comparing two tells what was written, and that something was deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from query.sql.statements import by_task, entities_parameters
from schema.events.rows import Row
from schema.events.tables import SCALAR
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITIES_SQL

# `arrived` alone tells what came; `received_at` only serves rows of workers that are not upgraded yet, which have none.
WATERMARK_SQL = f"""
SELECT task, event_type, max(latest.batch) AS batch, max(max_iter) AS newest_iter, max(arrived) AS newest,
    max(received_at) AS received
FROM metric_index WHERE {OF_ENTITIES_SQL} GROUP BY task, event_type
"""
DELETIONS_SQL = f"SELECT task, max(seq) AS newest FROM tombstones WHERE {OF_ENTITIES_SQL} GROUP BY task"

StreamPosition = tuple[int, int]  # newest batch of scalars, newest deletion


@dataclass(frozen=True)
class EntityWatermark:
    """The watermark of an entity. ``marks``: by event type, the same while nothing of it is written."""

    position: StreamPosition = (0, 0)
    last_iteration: int = 0
    marks: Mapping[str, Any] = field(default_factory=dict)

    def changed_since(self, earlier: EntityWatermark) -> list[str]:
        """Return the event types that were written."""
        return sorted(name for name, mark in self.marks.items() if mark != earlier.marks.get(name))

    def is_other_than(self, earlier: EntityWatermark) -> bool:
        """Tell whether new points do not explain the difference.

        That is so after a deletion, and after scalars without a value or of an older batch.
        """
        (batch, deletion), (earlier_batch, earlier_deletion) = self.position, earlier.position
        return deletion != earlier_deletion or (batch == earlier_batch and SCALAR in self.changed_since(earlier))


async def read_watermarks(store: Store, entities: Sequence[Entity]) -> dict[str, EntityWatermark]:
    """Read the watermarks of entities, by id."""
    if not entities:
        return {}
    parameters = entities_parameters(entities)
    rows, deletions = await asyncio.gather(store.read(WATERMARK_SQL, parameters), store.read(DELETIONS_SQL, parameters))
    deleted = {row["task"]: row["newest"] for row in deletions}
    marks = by_task(rows)
    return {e.id: _standing(marks.get(e.id, ()), deleted.get(e.id, 0)) for e in entities}


def _standing(rows: Iterable[Row], deletion: int) -> EntityWatermark:
    found = list(rows)
    marks = {row.pop("event_type"): row for row in found}
    batch = int(marks[SCALAR]["batch"]) if SCALAR in marks else 0
    return EntityWatermark((batch, int(deletion)), max((row["newest_iter"] for row in found), default=0), marks)
