"""How long a time logs take for a line, as far as pages of them were read: it tells about where the next one ends.

A guess is never relied on: who finds too few lines up to it reads on. A good one spares a look into all parts of a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from query.logs.log_reader import LogReader
from query.pagination.log_page import LogPage
from query.pagination.time_range import Direction, TimeRange
from schema.events.normalize import NO_TIMESTAMP
from schema.events.tables import INT64_MIN
from schema.registry import Entity

MAX_LOGS = 10_000  # logs
ENDS_OF_TIME = (INT64_MIN, NO_TIMESTAMP - 1)
MARGIN = 2  # times as long as the last page took


@dataclass(frozen=True)
class LineRate:
    """Of a log: how many ms a number of its lines took.

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
        """As these lines have it, the first ones of a span. ``before``: ``firsts`` of earlier pages."""
        first, last = page.times[0], page.times[-1]
        known, _ = before.get(span.direction, (span.start, first))
        is_further = span.start >= known if span.direction == "DESC" else span.start <= known
        firsts = {**before, span.direction: (span.start, first)} if is_further else before
        return cls(abs(last - first) + 1, len(page), firsts, is_for_final or page.may_have_copies)

    def end(self, span: TimeRange, count: int) -> int | None:
        """Where so many lines of a span may end; None if no line near its start is known."""
        begin = self._begin(span)
        if begin in ENDS_OF_TIME:
            return None
        ms = MARGIN * count * self.ms // self.lines + 1
        return max(span.low, begin - ms) if span.direction == "DESC" else min(span.high, begin + ms)

    def _begin(self, span: TimeRange) -> int:
        """Where the first line of a span may be."""
        start, first = self.firsts.get(span.direction, (span.start, span.start))
        return first if min(start, first) <= span.start <= max(start, first) else span.start


class PageEndEstimator:
    """Of the logs that were read last."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, str], LineRate] = {}

    async def page(self, lines: LogReader, span: TimeRange, size: int) -> LogPage:
        """The first ``size`` lines of a span, and all that share the last one's timestamp."""
        pace = self._paces.pop(_key(lines.entity), None)
        end = pace.end(span, size) if pace else None
        with_copy_of = span.is_newest or (pace is not None and pace.may_have_copies)
        page = await lines.quick_page(span.until(end), size, with_copy_of)
        if end is not None and page is not None and len(page) < size:
            pace, page = None, await lines.quick_page(span, size, with_copy_of)
        is_for_final = page is None
        if page is None:
            page = await lines.page(span, size, await lines.end(span, size))
        if page and len(page) >= size:
            self._remember(lines.entity, LineRate.of(span, page, pace.firsts if pace else {}, is_for_final))
        return page

    def _remember(self, entity: Entity, pace: LineRate) -> None:
        if len(self._paces) >= MAX_LOGS:
            self._paces.clear()
        self._paces[_key(entity)] = pace


def _key(entity: Entity) -> tuple[str, str]:
    return entity.storage_company, entity.id
