"""What a writer tells those who remember what is written: gathered on its thread, and taken once it can be read."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping

import pyarrow as pa

from ingest.writing.changed_log_tails import log_tails_of_lines
from ingest.writing.changed_points import points_by_curve
from ingest.writing.metric_index import Groups, split_by_entity
from ingest.writing.tombstones import ENTITIES_AT_ONCE
from schema.changefeed.changefeed import ChangeBatch, EntityKey
from schema.changefeed.log_tail import LogTail
from schema.changefeed.points import CurveName, Points
from schema.events.tables import LOG, SCALAR
from schema.store import Store

logger = logging.getLogger("eventide.news")
MAX_CURVES = 5000  # of a table: beyond, to tell them apart takes longer than to write them
WRITTEN_SQL = """
SELECT DISTINCT company, task FROM metric_index
WHERE company IN {companies:Array(String)} AND task IN {tasks:Array(String)}
"""


class ChangeCollector:
    """What became of the records since ``take``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gone: set[EntityKey] = set()
        self._born: set[EntityKey] = set()
        self._indexed: list[Mapping[EntityKey, pa.Table]] = []
        self._points: list[Mapping[EntityKey, Mapping[CurveName, Points | None]]] = []
        self._lines: list[Mapping[EntityKey, LogTail | None]] = []
        self._types: dict[str, set[str]] = {}

    def first_seen(self, entities: Collection[EntityKey]) -> None:
        """These are about to be written, for the first time since the start; nothing of them was ever deleted.

        Raises Unavailable.
        """
        if not entities or len(entities) > ENTITIES_AT_ONCE:
            return
        companies, tasks = zip(*entities, strict=True)
        rows = self._store.select(WRITTEN_SQL, {"companies": sorted(set(companies)), "tasks": sorted(set(tasks))})
        self._born |= set(entities) - {(row["company"], row["task"]) for row in rows}

    def stored(
        self, event_type: str, entities: Collection[EntityKey], events: pa.Table, groups: Groups, index: pa.Table
    ) -> None:
        """Events, in their groups, and their rows of the index. A defect here must not keep anybody from writing."""
        for _, entity_id in entities:
            self._types.setdefault(entity_id, set()).add(event_type)
        if index.num_rows > MAX_CURVES:
            self._gone.update(entities)
            return
        try:
            points = points_by_curve(groups) if event_type == SCALAR else {}
            lines = log_tails_of_lines(events) if event_type == LOG else {}
            self._indexed.append(split_by_entity(index))
            self._points.append(points)
            self._lines.append(lines)
        except Exception:
            logger.exception("what was written cannot be told")
            self._gone.update(entities)

    def failed(self) -> None:
        """All of it will be written again, some of it for the second time."""
        for of_entities in self._indexed:
            self._gone |= of_entities.keys()
        self._indexed, self._points, self._lines = [], [], []

    def take(self, deleted: Iterable[EntityKey]) -> ChangeBatch:
        """All of it. ``deleted``: whose events were meanwhile."""
        lost = set(deleted)
        invalidated = self._gone | lost
        for _, entity_id in lost:
            self._types.pop(entity_id, None)
        news = ChangeBatch(self._indexed, self._points, self._lines, invalidated, self._born - invalidated, self._types)
        self._gone, self._born, self._types = set(), set(), {}
        self._indexed, self._points, self._lines = [], [], []
        return news
