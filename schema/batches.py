"""A request's events -> columns by event type, and errors counted by reason.

The exact path, line by line, is here; ``schema/lines.py`` and ``schema/columnar.py`` read bodies, and take the fast
path of ``schema/ordinary.py`` where every event is an ordinary one. All give the same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schema.errors import InvalidField
from schema.events import Context, Event, Mention, normalise
from schema.tables import TABLES


@dataclass
class Batch:
    """What one request brings.

    ``columns``: the accepted events, a record batch (``Table.block_schema``) for each event type. ``entities``: how
    each entity id is named. ``failures``: the refused events, as (entity id or None, reason).
    """

    columns: dict[str, pa.RecordBatch] = field(default_factory=dict)
    entities: dict[str, Mention] = field(default_factory=dict)
    failures: list[tuple[str | None, str]] = field(default_factory=list)

    def refuse(self, reasons: dict[str, str]) -> Counter[str]:
        """Drop the events of the entities in ``reasons``; every failed event of the batch, counted by reason.

        An entity's own reason wins over what else is wrong with its events (section 2.7).
        """
        counts = Counter(reasons.get(entity or "", reason) for entity, reason in self.failures)
        if reasons:
            refused = pa.array(reasons, pa.string())
            for event_type, rows in list(self.columns.items()):
                dropped = pc.is_in(rows["task"], refused)
                counts.update(reasons[task] for task in rows["task"].filter(dropped).to_pylist())
                self.columns[event_type] = rows.filter(pc.invert(dropped))
        return counts

    @property
    def event_count(self) -> int:
        """Accepted events."""
        return sum(rows.num_rows for rows in self.columns.values())


def read_events(lines: Iterable[dict[str, Any]], context: Context) -> Batch:
    """The batch of parsed JSON objects, one by one. Raises InvalidField (one entity named in two ways)."""
    events = [normalise(line, place, context) for place, line in enumerate(lines)]
    batch = Batch(entities=entities(event.mention for event in events if event.mention))
    rows: dict[str, list[Event]] = {}
    for event in events:
        if event.refusal:
            batch.failures.append((event.mention.id if event.mention and event.is_checked else None, event.refusal))
        else:
            rows.setdefault(event.type, []).append(event)
    batch.columns = {event_type: _record_batch(event_type, accepted) for event_type, accepted in rows.items()}
    return batch


def entities(mentions: Iterable[Mention]) -> dict[str, Mention]:
    """How each entity is named. Raises InvalidField if one is named in two ways (section 2.7)."""
    found: dict[str, Mention] = {}
    for mention in dict.fromkeys(mentions):
        if found.setdefault(mention.id, mention) != mention:
            raise InvalidField(f"Inconsistent model_event or allow_locked for {mention.id}")
    return found


def _record_batch(event_type: str, events: Sequence[Event]) -> pa.RecordBatch:
    row_type = pa.struct(TABLES[event_type].block_schema)
    return pa.RecordBatch.from_struct_array(pa.array([event.row for event in events], row_type))
