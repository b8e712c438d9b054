"""A page of log lines, as columns: whether there are copies among them, where it ends, its lines as events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from query.pagination.time_range import Direction
from schema.changefeed.log_tail import LOG_LINE_SCHEMA
from schema.events.blocks import ROW_BITS
from schema.events.render import documents_of
from schema.events.tables import LOG


@dataclass(frozen=True)
class LogPage:
    """Lines in their order. ``columns``: those of SCHEMA; without ``copy_of`` if copies are not told apart by it."""

    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def times(self) -> list[int]:
        """Timestamps, in ms."""
        return self.columns["timestamp"]

    @property
    def has_ties(self) -> bool:
        """Whether lines share a timestamp."""
        return len(set(self.times)) < len(self)

    @property
    def may_have_copies(self) -> bool:
        """Whether several requests' lines share a timestamp, or a row is there twice; else no line is."""
        if not self.has_ties:
            return False
        seqs = self.columns["seq"]
        requests = {(time, seq >> ROW_BITS) for time, seq in zip(self.times, seqs, strict=True)}
        return len(requests) > len(set(self.times)) or len(set(seqs)) < len(self)

    @property
    def has_copies(self) -> bool:
        """Whether a line is there twice."""
        return len(set(self.columns["copy_of"])) < len(self)

    def until(self, end: int) -> LogPage:
        """Return the lines before that place."""
        return LogPage({name: values[:end] for name, values in self.columns.items()}) if end < len(self) else self

    def without_last_time(self) -> LogPage:
        """Return the page without the lines of the last timestamp: there may be more of them."""
        end = len(self)
        while end and self.times[end - 1] == self.times[-1]:
            end -= 1
        return self.until(end)

    def with_ties(self, size: int) -> LogPage:
        """Return the first ``size`` lines, and those that share the last one's timestamp."""
        end = min(size, len(self))
        while 0 < end < len(self) and self.times[end] == self.times[end - 1]:
            end += 1
        return self.until(end)

    def in_order(self, direction: Direction) -> LogPage:
        """Sort by timestamp, and lines that share one by write order."""
        if not self.has_ties:
            return self
        sign = -1 if direction == "DESC" else 1
        keys = [(sign * time, seq) for time, seq in zip(self.times, self.columns["seq"], strict=True)]
        order = sorted(range(len(self)), key=keys.__getitem__)
        return LogPage({name: [values[place] for place in order] for name, values in self.columns.items()})

    def followed_by(self, other: LogPage) -> LogPage:
        """Return the lines of both pages."""
        if not len(self):
            return other
        return LogPage({name: [*values, *other.columns[name]] for name, values in self.columns.items()})

    def documents(self) -> list[dict[str, Any]]:
        """Return the lines as events."""
        return documents_of(self.columns, LOG)


EMPTY_LOG_PAGE = LogPage({name: [] for name in LOG_LINE_SCHEMA.names})
