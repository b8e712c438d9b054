"""A request's events -> columns by event type, and refused events counted by reason.

The exact path, event by event, is here. ``ingest/parsing/json_lines.py`` and ``ingest/parsing/arrow_stream.py`` read
bodies, and take the fast path of ``ingest/parsing/fast_path.py`` where every event is an ordinary one, with the same
result.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from schema.errors import BodyTooLarge, InvalidField
from schema.events.normalize import Mention, ParseContext, normalise
from schema.events.rows import (
    MetricName,
    Row,
    Rows,
    columns,
    events_by_task,
    metric_names,
    plain_or_columns,
    without_tasks,
)
from schema.events.tables import LOG

CHUNK_ROWS = 8192
MAX_ENTITIES = 10_000  # of a batch: each is looked up
READ_SECONDS = 60  # of CPU time, so that a busy machine refuses nobody


@dataclass
class Batch:
    """The events of one request.

    ``rows``: the accepted events, by event type. ``entities``: how each entity id is named. ``failures``: the refused
    events, as (entity id or None, reason).
    """

    rows: dict[str, Rows] = field(default_factory=dict)
    entities: dict[str, Mention] = field(default_factory=dict)
    failures: list[tuple[str | None, str]] = field(default_factory=list)

    def refuse(self, reasons: dict[str, str]) -> Counter[str]:
        """Drop the events of the entities in ``reasons``; return all refused events of the batch, counted by reason.

        An entity's own reason takes precedence over what else is wrong with its events (API contract 2.7).
        """
        counts = Counter(reason if entity is None else reasons.get(entity, reason) for entity, reason in self.failures)
        if reasons:
            for event_type, rows in list(self.rows.items()):
                self.rows[event_type], refused = without_tasks(rows, reasons)
                counts.update(reasons[task] for task in refused)
        return counts

    @property
    def columns(self) -> dict[str, pa.RecordBatch]:
        """The accepted events: a record batch (``Table.block_schema``) for each event type."""
        return {event_type: columns(event_type, rows) for event_type, rows in self.rows.items()}

    def events_by_task(self) -> Counter[str]:
        """Return the number of accepted events by entity."""
        if len(self.entities) == 1:
            return Counter({next(iter(self.entities)): self.event_count})
        return sum((events_by_task(rows) for rows in self.rows.values()), Counter())

    def metric_names(self) -> dict[str, set[MetricName]]:
        """Return the metrics that each entity has among the accepted events; metrics of logs do not count."""
        found: dict[str, set[MetricName]] = {}
        for event_type, rows in self.rows.items():
            for entity, names in metric_names(rows).items() if event_type != LOG else ():
                found[entity] = found.get(entity, set()) | names
        return found

    @property
    def event_count(self) -> int:
        """The number of accepted events."""
        return sum(map(len, self.rows.values()))


def read_events(lines: Iterable[dict[str, Any]], context: ParseContext) -> Batch:
    """Return the batch of parsed JSON objects, one by one.

    Raises InvalidField (one entity named in two ways), BodyTooLarge (they take longer than ``READ_SECONDS``), and what
    ``lines`` raises.
    """
    batch, accepted = Batch(), AcceptedRows()
    mentions: dict[Mention, None] = {}
    started = time.thread_time()
    for place, line in enumerate(lines):
        event = normalise(line, place, context)
        if event.mention:
            mentions[event.mention] = None
        if event.refusal:
            batch.failures.append((event.mention.id if event.mention and event.is_checked else None, event.refusal))
        else:
            accepted.add(event.type, event.row)
        if place % CHUNK_ROWS == 0 and time.thread_time() - started > READ_SECONDS:
            raise BodyTooLarge(f"The batch takes more than {READ_SECONDS} seconds to read; fewer events are taken")
    batch.entities = entities(mentions)
    batch.rows = accepted.rows()
    return batch


class AcceptedRows:
    """Rows by event type; of many, all but the last are kept as columns, which take a tenth of the memory."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}
        self._columns: dict[str, list[pa.RecordBatch]] = {}

    def add(self, event_type: str, row: Row) -> None:
        """Add a row."""
        rows = self._rows.setdefault(event_type, [])
        rows.append(row)
        if len(rows) >= CHUNK_ROWS:
            self._columns.setdefault(event_type, []).append(columns(event_type, rows))
            self._rows[event_type] = []

    def rows(self) -> dict[str, Rows]:
        """Return all rows, in the order in which they came."""
        return {event_type: self._rows_of(event_type) for event_type in self._rows}

    def _rows_of(self, event_type: str) -> Rows:
        last, chunks = self._rows[event_type], self._columns.get(event_type)
        if not chunks:
            return plain_or_columns(event_type, last)
        return pa.concat_batches([*chunks, columns(event_type, last)])


def entities(mentions: Iterable[Mention]) -> dict[str, Mention]:
    """Return how each entity is named.

    Raises InvalidField if one is named in two ways (API contract 2.7), or if there are too many.
    """
    found: dict[str, Mention] = {}
    for mention in mentions:
        if found.setdefault(mention.id, mention) != mention:
            raise InvalidField(f"Inconsistent model_event or allow_locked for {mention.id}")
        if len(found) > MAX_ENTITIES:
            raise InvalidField(f"A batch names at most {MAX_ENTITIES} tasks and models")
    return found
