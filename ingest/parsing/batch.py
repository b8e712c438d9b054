"""A request's events -> columns by event type, and errors counted by reason.

The exact path, line by line, is here; ``ingest/parsing/json_lines.py`` and ``ingest/parsing/arrow_stream.py`` read
bodies, and take the fast path of ``ingest/parsing/fast_path.py`` where every event is an ordinary one. All give the
same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from schema.errors import InvalidField
from schema.events.normalize import Mention, ParseContext, normalise
from schema.events.rows import Row, Rows, columns, plain_or_columns, without_tasks


@dataclass
class Batch:
    """What one request brings.

    ``rows``: the accepted events, by event type. ``entities``: how each entity id is named. ``failures``: the refused
    events, as (entity id or None, reason).
    """

    rows: dict[str, Rows] = field(default_factory=dict)
    entities: dict[str, Mention] = field(default_factory=dict)
    failures: list[tuple[str | None, str]] = field(default_factory=list)

    def refuse(self, reasons: dict[str, str]) -> Counter[str]:
        """Drop the events of the entities in ``reasons``; every failed event of the batch, counted by reason.

        An entity's own reason wins over what else is wrong with its events (API contract 2.7).
        """
        counts = Counter(reason if entity is None else reasons.get(entity, reason) for entity, reason in self.failures)
        if reasons:
            for event_type, rows in list(self.rows.items()):
                self.rows[event_type], refused = without_tasks(rows, reasons)
                counts.update(reasons[task] for task in refused)
        return counts

    @property
    def columns(self) -> dict[str, pa.RecordBatch]:
        """The accepted events, a record batch (``Table.block_schema``) for each event type."""
        return {event_type: columns(event_type, rows) for event_type, rows in self.rows.items()}

    @property
    def event_count(self) -> int:
        """Accepted events."""
        return sum(map(len, self.rows.values()))


def read_events(lines: Iterable[dict[str, Any]], context: ParseContext) -> Batch:
    """The batch of parsed JSON objects, one by one. Raises InvalidField (one entity named in two ways)."""
    events = [normalise(line, place, context) for place, line in enumerate(lines)]
    batch = Batch(entities=entities(event.mention for event in events if event.mention))
    accepted: dict[str, list[Row]] = {}
    for event in events:
        if event.refusal:
            batch.failures.append((event.mention.id if event.mention and event.is_checked else None, event.refusal))
        else:
            accepted.setdefault(event.type, []).append(event.row)
    batch.rows = {event_type: plain_or_columns(event_type, rows) for event_type, rows in accepted.items()}
    return batch


def entities(mentions: Iterable[Mention]) -> dict[str, Mention]:
    """How each entity is named. Raises InvalidField if one is named in two ways (API contract 2.7)."""
    found: dict[str, Mention] = {}
    for mention in dict.fromkeys(mentions):
        if found.setdefault(mention.id, mention) != mention:
            raise InvalidField(f"Inconsistent model_event or allow_locked for {mention.id}")
    return found
