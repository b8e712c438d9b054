"""The newest lines of a log, as the writer hands them to the cache of log tails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from schema.changefeed.points import Array
from schema.events.normalize import NO_TIMESTAMP
from schema.events.tables import COMMON, INT64_MIN, LOG, TABLES

MAX_COUNTED_LINES = 10_000  # lines: what an answer without scroll says at most (API contract 3.0.4)
KEPT_LINES = 2000  # lines, where there are more than twice as many
LOG_LINE_SCHEMA = pa.schema(
    COMMON | TABLES[LOG].fields | {"received_at": pa.int64(), "seq": pa.uint64(), "copy_of": pa.uint64()}
)


@dataclass(frozen=True, eq=False)
class LogTail:
    """The newest lines of a log.

    ``rows`` (LOG_LINE_SCHEMA): newest first, those of one timestamp in write order, those without one last. ``since``:
    every line of this timestamp (ms) or later is among them; INT64_MIN: every line at all is. ``others``: how many
    there are beside, if it is less than MAX_COUNTED_LINES with them. Copies of a line have the same ``copy_of``.
    """

    rows: pa.Table
    since: int = INT64_MIN
    others: int = 0

    @property
    def total(self) -> int:
        """The number of lines of the log, MAX_COUNTED_LINES at most."""
        return min(int(self.rows.num_rows) + self.others, MAX_COUNTED_LINES)


def join_log_tails(parts: Sequence[LogTail]) -> LogTail | None:
    """Join tails into the newest lines that all of them cover, cut if they are more than twice KEPT_LINES.

    Lines that are not ordered yet stand in write order. None if a line is there twice, or if a line that was left out
    may be and lines are still counted.
    """
    rows = pa.concat_tables([part.rows for part in parts])
    if _are_some_equal(rows["copy_of"].to_numpy()):
        return None
    order, timestamps = _newest_first(rows["timestamp"].to_numpy())
    since, others = max(part.since for part in parts), [part.others for part in parts if part.others]
    count = _count_since(timestamps, since)
    left_out = [rows.num_rows - count] if count < rows.num_rows else []
    if len(others + left_out) > 1 and all(part.total < MAX_COUNTED_LINES for part in parts):
        return None
    if count > 2 * KEPT_LINES:
        since = INT64_MIN + 1 if timestamps[KEPT_LINES] == NO_TIMESTAMP else int(timestamps[KEPT_LINES]) + 1
        count = _count_since(timestamps, since)
    return LogTail(rows.take(order[:count]).combine_chunks(), since, sum(others) + rows.num_rows - count)


def _are_some_equal(numbers: Array) -> bool:
    in_order = np.sort(numbers)  # np.unique takes ten times as long
    return bool(np.any(in_order[1:] == in_order[:-1]))


def _newest_first(timestamps: Array) -> tuple[Array, Array]:
    """Return the order by newest timestamp, and the timestamps in it."""
    order = np.lexsort((~timestamps, timestamps == NO_TIMESTAMP))
    return order, timestamps[order]


def _count_since(timestamps: Array, since: int) -> int:
    """Count the timestamps, newest first, that are of ``since`` or later; INT64_MIN: all."""
    if since == INT64_MIN:
        return len(timestamps)
    return int(np.count_nonzero((timestamps >= since) & (timestamps != NO_TIMESTAMP)))
