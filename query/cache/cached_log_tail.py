"""The cached newest lines of one log, and the pages that are made of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from query.pagination.paging import MAX_TIES
from query.pagination.time_range import TimeRange
from schema.changefeed.log_tail import LogTail, join_log_tails
from schema.changefeed.points import Array
from schema.events.normalize import NO_TIMESTAMP

MAX_PENDING = 64


class CachedLogTail:
    """The newest lines of a log, and those that were written since they were joined."""

    def __init__(self, newest: LogTail) -> None:
        self._parts = [newest]
        self.bytes = int(newest.rows.nbytes)

    def add(self, newest: LogTail) -> None:
        """Add the lines of a write."""
        self._parts.append(newest)
        self.bytes += newest.rows.nbytes

    @property
    def is_long(self) -> bool:
        """Whether to join is better than to wait for who reads."""
        return len(self._parts) > MAX_PENDING

    def joined(self) -> LogTail | None:
        """Return all lines; None once a line was written again."""
        if len(self._parts) > 1:
            if (found := join_log_tails(self._parts)) is None:
                return None
            self._parts, self.bytes = [found], int(found.rows.nbytes)
        return self._parts[0]


def page_of_tail(newest: LogTail, span: TimeRange, size: int) -> pa.Table | None:
    """Return the first ``size`` lines of a range, and up to MAX_TIES more that share the last one's timestamp.

    Lines without a timestamp share none. None if the range may have lines that are not cached.
    """
    if span.low < newest.since and (span.direction == "ASC" or span.high < newest.since):
        return None
    timed = _timed(newest)
    places = _places(timed, span)
    times = timed[places]
    count = min(size, len(times))
    if count:
        ties = int(np.count_nonzero(times[count:] == times[count - 1]))
        count = min(count + ties, size + MAX_TIES)
    if span.low < newest.since and count < size:
        return None
    untimed = np.arange(len(timed), newest.rows.num_rows)[: max(size - count, 0) if span.is_whole else 0]
    return newest.rows.take(np.concatenate([places[:count], untimed]))


def _timed(newest: LogTail) -> Array:
    """Return the timestamps of the lines that have one, newest first."""
    timestamps: Array = newest.rows["timestamp"].to_numpy()
    return timestamps[: len(timestamps) - np.count_nonzero(timestamps == NO_TIMESTAMP)]


def _places(timed: Array, span: TimeRange) -> Array:
    """Return the places of a range's lines, in its order; those of one timestamp in write order."""
    places = np.flatnonzero((timed >= span.low) & (timed <= span.high))
    if span.direction == "DESC":
        return places
    return places[np.argsort(timed[places], kind="stable")]
