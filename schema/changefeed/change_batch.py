"""The changes of one insert, in the form in which read caches apply them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import pyarrow as pa

from schema.changefeed.log_tail import LogTail
from schema.changefeed.points import CurveName, Points

EntityKey = tuple[str, str]  # the company under which an entity's events are stored, and the entity's id


@dataclass(frozen=True)
class ChangeBatch:
    """The changes since the batch before.

    ``index_rows``: new rows of the metric index, a mapping for each insert. ``points``: new points of curves, a mapping
    for each insert; None for a curve that got anything but simple points. ``log_tails``: the newest lines of logs, a
    mapping for each insert; None for a log of which a line was written twice. ``invalidated``: entities of which no
    cached value holds any more, as events were deleted or too much was written. ``created``: entities that had never
    been written before. ``event_types``: for entities (by id) that lost nothing, the types of their new events.
    """

    index_rows: Sequence[Mapping[EntityKey, pa.Table]] = ()
    points: Sequence[Mapping[EntityKey, Mapping[CurveName, Points | None]]] = ()
    log_tails: Sequence[Mapping[EntityKey, LogTail | None]] = ()
    invalidated: Set[EntityKey] = frozenset()
    created: Set[EntityKey] = frozenset()
    event_types: Mapping[str, Set[str]] = field(default_factory=dict)
