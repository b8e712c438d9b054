"""What a writer changed, collected on its thread for the read caches, and taken once it can be read."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa

from ingest.writing.changed_log_tails import log_tails_of_lines
from ingest.writing.changed_points import points_by_curve
from ingest.writing.metric_index import Groups, split_by_entity
from ingest.writing.tombstones import ENTITIES_AT_ONCE
from schema.changefeed.change_batch import ChangeBatch, EntityKey
from schema.changefeed.log_tail import LogTail
from schema.changefeed.points import CurveName, Points
from schema.errors import EventsError
from schema.events.blocks import Block, Record
from schema.events.tables import LOG, SCALAR
from schema.lru_cache import LruCache
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITIES_SQL

logger = logging.getLogger("eventide.changes")
MAX_CURVES = 5000  # of an insert: beyond, to tell them apart takes longer than to write them
MAX_LOOKED_UP = 100_000  # entities of which is known that they were looked up
WRITTEN_SQL = f"""
SELECT DISTINCT company, task FROM
    (SELECT company, task FROM metric_index WHERE {OF_ENTITIES_SQL}
    UNION ALL SELECT company, task FROM tombstones WHERE {OF_ENTITIES_SQL})
"""


class ChangeCollector:
    """The changes of all inserts since ``take``. Its defects and failures never keep anything from being written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looked_up: LruCache[EntityKey, bool] = LruCache("written_entities", MAX_LOOKED_UP)
        self._invalidated: set[EntityKey] = set()
        self._created: set[EntityKey] = set()
        self._index_rows: list[Mapping[EntityKey, pa.Table]] = []
        self._points: list[Mapping[EntityKey, Mapping[CurveName, Points | None]]] = []
        self._log_tails: list[Mapping[EntityKey, LogTail | None]] = []
        self._event_types: dict[str, set[str]] = {}

    def look_up(self, records: Sequence[Record]) -> None:
        """Find the entities of records that have never been written or deleted; to be called before they are written.

        If that cannot be found out, they count as written before, and are cached when they are read.
        """
        blocks = [record.content for record in records if isinstance(record.content, Block)]
        entities = {(block.company, task) for block in blocks for task in block.tasks}
        entities = {entity for entity in entities if not self._looked_up.get(entity)}
        for entity in entities:
            self._looked_up.put(entity, True)
        if not entities or len(entities) > ENTITIES_AT_ONCE:
            return
        try:
            self._created |= entities - self._written(entities)
        except EventsError as error:
            logger.warning("new entities are cached only when they are read: %s", error)

    def stored(
        self, event_type: str, entities: Collection[EntityKey], events: pa.Table, groups: Groups, index: pa.Table
    ) -> None:
        """Collect the changes of one insert: its events, in their groups, and their rows of the metric index."""
        for _, entity_id in entities:
            self._event_types.setdefault(entity_id, set()).add(event_type)
        if index.num_rows > MAX_CURVES:
            self._invalidated.update(entities)
            return
        try:
            points = points_by_curve(groups) if event_type == SCALAR else {}
            log_tails = log_tails_of_lines(events) if event_type == LOG else {}
            self._index_rows.append(split_by_entity(index))
            self._points.append(points)
            self._log_tails.append(log_tails)
        except Exception:
            logger.exception("changes of %d entities cannot be told to the read caches", len(entities))
            self._invalidated.update(entities)

    def failed(self) -> None:
        """Say that all records will be written again, some of them for the second time."""
        for of_entities in self._index_rows:
            self._invalidated |= of_entities.keys()
        self._index_rows, self._points, self._log_tails = [], [], []

    def take(self, deleted: Iterable[EntityKey]) -> ChangeBatch:
        """Return all changes, and begin anew. ``deleted``: entities whose events were deleted meanwhile."""
        lost = set(deleted)
        invalidated = self._invalidated | lost
        for _, entity_id in lost:
            self._event_types.pop(entity_id, None)
        changes = (self._index_rows, self._points, self._log_tails)
        batch = ChangeBatch(*changes, invalidated, self._created - invalidated, self._event_types)
        self._invalidated, self._created, self._event_types = set(), set(), {}
        self._index_rows, self._points, self._log_tails = [], [], []
        return batch

    def _written(self, entities: Collection[EntityKey]) -> set[EntityKey]:
        """Return those of the entities that were written or deleted before. Raises EventsError."""
        companies, tasks = zip(*entities, strict=True)
        parameters = {"companies": sorted(set(companies)), "tasks": sorted(set(tasks))}
        return {(row["company"], row["task"]) for row in self._store.select(WRITTEN_SQL, parameters)}
