"""Estimates of where a page of a log ends, from how long the log took for the lines of earlier pages.

An estimate is never relied on: if there are too few lines up to it, the reader reads on. A good one saves a look into
all parts of a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from query.pagination.log_page import LogPage
from query.pagination.time_range import Direction, TimeRange
from schema.events.normalize import NO_TIMESTAMP
from schema.events.tables import INT64_MIN
from schema.lru_cache import LruCache
from schema.registry import Entity

MAX_LOGS = 10_000  # logs
ENDS_OF_TIME = (INT64_MIN, NO_TIMESTAMP - 1)
MARGIN = 2  # times as long as the last page took


@dataclass(frozen=True)
class LineRate:
    """The rate of a log: how many ms a number of its lines took.

    ``firsts``: by direction, the start of a page and its first line's timestamp, with nothing between; of the pages
    that were read the one that starts furthest out, as that of the newest lines does. ``may_have_copies``: whether
    lines of it may be there twice.
    """

    ms: int
    lines: int
    firsts: Mapping[Direction, tuple[int, int]]
    may_have_copies: bool

    @classmethod
    def of(
        cls, span: TimeRange, page: LogPage, before: Mapping[Direction, tuple[int, int]], is_for_final: bool
    ) -> LineRate:
        """Return the rate of a page, the first lines of a range.

        ``before``: ``firsts`` of earlier pages.
        """
        first, last = page.times[0], page.times[-1]
        known, _ = before.get(span.direction, (span.start, first))
        is_further = span.start >= known if span.direction == "DESC" else span.start <= known
        firsts = {**before, span.direction: (span.start, first)} if is_further else before
        return cls(abs(last - first) + 1, len(page), firsts, is_for_final or page.may_have_copies)

    def end(self, span: TimeRange, count: int) -> int | None:
        """Estimate where so many lines of a range end; None if no line near its start is known."""
        begin = self._begin(span)
        if begin in ENDS_OF_TIME:
            return None
        ms = MARGIN * count * self.ms // self.lines + 1
        return max(span.low, begin - ms) if span.direction == "DESC" else min(span.high, begin + ms)

    def _begin(self, span: TimeRange) -> int:
        """Estimate where the first line of a range is."""
        start, first = self.firsts.get(span.direction, (span.start, span.start))
        return first if min(start, first) <= span.start <= max(start, first) else span.start


class LogPages(Protocol):
    """Reads of the pages of one log (``query/logs/log_reader.py``)."""

    @property
    def entity(self) -> Entity:
        """The log's entity."""

    async def quick_page(self, span: TimeRange, size: int, with_copy_of: bool = True) -> LogPage | None:
        """Return the first lines of a range; None if only ``page`` can tell them."""

    async def page(self, span: TimeRange, size: int, end: int | None) -> LogPage:
        """Return the first lines of a range; ``end``: a guess of where they end."""

    async def end(self, span: TimeRange, near: int) -> int | None:
        """Return the timestamp of the line that ``near`` others precede."""


class PageEndEstimator:
    """The rates of the logs that were read last, by which the end of the next page is guessed."""

    def __init__(self) -> None:
        self._rates: LruCache[tuple[str, str], LineRate] = LruCache("page_ends", MAX_LOGS)

    async def page(self, lines: LogPages, span: TimeRange, size: int) -> LogPage:
        """Return the first ``size`` lines of a range, and all that share the last one's timestamp."""
        rate = self._rates.get(_key(lines.entity))
        end = rate.end(span, size) if rate else None
        with_copy_of = span.is_newest or (rate is not None and rate.may_have_copies)
        page = await lines.quick_page(span.until(end), size, with_copy_of)
        if end is not None and page is not None and len(page) < size:
            rate, page = None, await lines.quick_page(span, size, with_copy_of)
        is_for_final = page is None
        if page is None:
            page = await lines.page(span, size, await lines.end(span, size))
        self._learn(lines.entity, span, size, page, rate, is_for_final)
        return page

    def _learn(
        self, entity: Entity, span: TimeRange, size: int, page: LogPage, rate: LineRate | None, is_for_final: bool
    ) -> None:
        """Keep the rate of a full page; what a page that was not full says of the log is nothing."""
        if page and len(page) >= size:
            self._rates.put(_key(entity), LineRate.of(span, page, rate.firsts if rate else {}, is_for_final))
        else:
            self._rates.pop(_key(entity))


def _key(entity: Entity) -> tuple[str, str]:
    return entity.storage_company, entity.id
