"""The broker's clock as seen from this process: by how much the two differ, from records that were appended.

A record is appended after it is sent and before it is acknowledged, and its receipt tells when by the broker's clock.
So each receipt bounds the difference from both sides, to within its round trip. Receipts are combined as long as they
agree; one that does not (a clock was set) replaces what was known.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from schema.metrics import CLOCK_SKEW

DRIFT = 0.0002  # seconds by which the clocks may part in each second; that of a bad quartz is half of it
REPORTED_SECONDS = 1.0
logger = logging.getLogger("eventide.clock")


@dataclass(frozen=True)
class Bounds:
    """Least and greatest difference in seconds, broker's clock minus this one's, as of ``measured`` (monotonic)."""

    least: float
    greatest: float
    measured: float

    def widened(self, now: float) -> Bounds:
        """Return what is still certain later."""
        drift = DRIFT * (now - self.measured)
        return Bounds(self.least - drift, self.greatest + drift, now)

    def within(self, others: Bounds) -> Bounds:
        """Return what both say; these alone if they contradict each other."""
        least, greatest = max(self.least, others.least), min(self.greatest, others.greatest)
        return Bounds(least, greatest, self.measured) if least <= greatest else self

    @property
    def nearest_to_none(self) -> float:
        """The smallest difference that is possible: 0 as long as the clocks may agree."""
        return min(max(0.0, self.least), self.greatest)


class BrokerClock:
    """Measures the difference of the clocks; tells it as a metric, in ``/readyz`` and, when it changes, in the log."""

    def __init__(self) -> None:
        self._bounds: Bounds | None = None
        self._reported = 0.0

    @property
    def skew_seconds(self) -> float:
        """By how much the broker's clock is ahead of this process's, at the least; negative: behind."""
        return self._bounds.nearest_to_none if self._bounds else 0.0

    def now_ms(self) -> int:
        """Return the time by the broker's clock, in ms since the epoch, as far as it is known."""
        return time.time_ns() // 1_000_000 + round(self.skew_seconds * 1000)

    def observe(self, appended_ms: int, round_trip_seconds: float) -> None:
        """Take account of a record that is acknowledged now."""
        now = time.monotonic()
        least = appended_ms / 1000 - time.time_ns() / 1e9
        bounds = Bounds(least, least + round_trip_seconds, now)
        self._bounds = bounds.within(self._bounds.widened(now)) if self._bounds else bounds
        CLOCK_SKEW.set(self.skew_seconds)
        self._report()

    def detail(self) -> str:
        """Return one line for ``/readyz``."""
        if self._bounds is None:
            return "not measured before the first write"
        skew = self.skew_seconds
        if abs(skew) < REPORTED_SECONDS:
            return f"within {REPORTED_SECONDS:g} s of Kafka's"
        return f"{abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} Kafka's, which is allowed for"

    def _report(self) -> None:
        """Log a difference that is new: a wrong clock is somebody's to set, though nothing fails for it."""
        if abs(self.skew_seconds - self._reported) >= REPORTED_SECONDS:
            self._reported = self.skew_seconds
            logger.warning("the clock of this process is %s", self.detail())
