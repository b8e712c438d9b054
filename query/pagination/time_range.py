"""The part of a log that a page is of: timestamps, and the direction they are read in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from schema.events.normalize import NO_TIMESTAMP
from schema.events.tables import INT64_MIN

Direction = Literal["ASC", "DESC"]


@dataclass(frozen=True)
class TimeRange:
    """Timestamps (ms) from ``low`` to ``high``, both included, read in ``direction``.

    ``is_whole``: lines without a timestamp follow.
    """

    low: int
    high: int
    direction: Direction
    is_whole: bool = False

    @classmethod
    def beyond(cls, start: int, direction: Direction) -> TimeRange:
        """Return all timestamps that follow ``start`` in a direction; 0: all lines."""
        if direction == "DESC":
            return cls(INT64_MIN, start - 1 if start else NO_TIMESTAMP - 1, direction, not start)
        return cls(start + 1 if start else INT64_MIN, NO_TIMESTAMP - 1, direction, not start)

    @property
    def is_empty(self) -> bool:
        """Whether no timestamp is in it."""
        return self.low > self.high

    @property
    def is_newest(self) -> bool:
        """Whether it begins with the newest line of all."""
        return self.is_whole and self.direction == "DESC"

    @property
    def start(self) -> int:
        """The timestamp that it is read from."""
        return self.high if self.direction == "DESC" else self.low

    @property
    def parameters(self) -> dict[str, int]:
        """The ends, as parameters of a statement."""
        return {"low": self.low, "high": self.high}

    def until(self, end: int | None) -> TimeRange:
        """Return its part up to ``end``, which is included; None: all of it."""
        if end is None:
            return self
        return replace(self, low=end) if self.direction == "DESC" else replace(self, high=end)

    def holds(self, timestamps: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return which of the timestamps are in it, as booleans."""
        return pc.and_(pc.greater_equal(timestamps, self.low), pc.less_equal(timestamps, self.high))
