"""The endpoint ``get_task_log`` from version 2.9 on: a page of a console log next to a time (API contract 3.10)."""

from __future__ import annotations

import asyncio
from functools import partial

from query.context import QueryContext
from query.logs.log_reader import LogReader
from query.logs.snapshot import Order
from query.logs.text_search import SEARCHED, indexed_sql
from query.pagination.log_page import LogPage
from query.pagination.paging import PageSize
from query.pagination.time_range import TimeRange
from query.sql.statements import Int64, MetricFilter, filter_sql
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Reply, Tier
from schema.registry import Entity

endpoints = Endpoints(Tier.QUERY)


class LineFilter(Request):
    """Which lines of a log are meant. ``search``: a text that they contain, in any case."""

    metrics: list[MetricFilter] = []
    search: str = ""
    levels: list[str] = []

    @property
    def is_filtered(self) -> bool:
        """Whether not all lines are meant."""
        return bool(self.metrics or self.search or self.levels)


class GetTaskLog(LineFilter):
    """A page of a task's lines before or after a time.

    Eventide's own: ``search``, ``levels``, and ``positions``, to be told where in the order of writing each line is.
    """

    task: str
    batch_size: PageSize = 5000
    navigate_earlier: Boolean = True
    from_timestamp: Int64 = 0
    order: Order | None = None
    positions: Boolean = False

    @property
    def span(self) -> TimeRange:
        """The time range of its lines."""
        return TimeRange.beyond(self.from_timestamp, "DESC" if self.navigate_earlier else "ASC")


@endpoints.add("events.get_task_log", "2.9")
async def get_task_log(context: QueryContext, caller: Caller, request: GetTaskLog) -> Reply:
    """Return a page next to ``from_timestamp`` (exclusive; 0: none); lines of one timestamp stay together.

    Lines without a timestamp follow where no start is given.
    """
    task = await context.entity(caller, request.task)
    if request.span.is_newest and not request.is_filtered:  # asked for again and again, to see what is new
        return await context.caches.responses.answer(request, [task], lambda: page_of(context, task, request))
    return Reply(await page_of(context, task, request))


async def page_of(context: QueryContext, task: Entity, request: GetTaskLog) -> Answer:
    """Return the page of a log, its lines as events."""
    read = partial(_read_page, context, task, request)
    if request.is_filtered:
        page, total = await read()
    else:
        page, total = await context.caches.log_tails.page(task.key, request.span, request.batch_size, read)
    events = page.documents()
    positions = list(map(str, await LogReader(context.store, task).arrivals(page))) if request.positions else []
    if request.order and (request.order == "asc") == request.navigate_earlier:
        events.reverse()
        positions.reverse()
    told = {"positions": positions} if request.positions else {}
    return {"events": events, "returned": len(events), "total": total} | told


async def _read_page(context: QueryContext, task: Entity, request: GetTaskLog) -> tuple[LogPage, int]:
    """Read a page, and how many lines there are."""
    read = _filtered_page if request.is_filtered else _page
    lines, total, page = await read(context, task, request)
    if request.span.is_whole and len(page) < min(request.batch_size, total):
        page = page.followed_by(await lines.untimed(request.batch_size - len(page)))
    return page, total


async def _page(context: QueryContext, task: Entity, request: GetTaskLog) -> tuple[LogReader, int, LogPage]:
    """Return the lines that are not deleted, their number, and those of the page that have a timestamp."""
    alive = await context.caches.entity_index.tombstone_filter(task)
    lines = LogReader(context.store, task).living(alive)
    total, page = await asyncio.gather(
        context.caches.log_counts.count(task, alive, lines.total),
        context.caches.page_ends.page(lines, request.span, request.batch_size),
    )
    return lines, total, page


async def _filtered_page(context: QueryContext, task: Entity, request: GetTaskLog) -> tuple[LogReader, int, LogPage]:
    """Return the same for filtered lines: where they are few, one look through the log finds both."""
    lines = chosen(
        LogReader(context.store, task).living(await context.caches.entity_index.tombstone_filter(task)), request
    )
    found = await lines.matches()
    total = found.count()
    page = await lines.matching_page(request.span, request.batch_size, found)
    return lines, await lines.total() if total is None else total, page


def chosen(lines: LogReader, request: LineFilter) -> LogReader:
    """Restrict the lines to those that the request asks for."""
    condition, parameters = filter_sql(request.metrics)
    if request.search:
        condition += f" AND {SEARCHED}"
    if request.levels:
        condition += " AND level IN {levels:Array(String)}"
    indexed, of_index = indexed_sql(request.search)
    of_request = {"search": request.search, "levels": request.levels}
    return lines.where({"$filter": condition, "$indexed": indexed}, **parameters, **of_index, **of_request)
