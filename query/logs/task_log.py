"""``get_task_log`` from version 2.9 on: a page of a console log next to a time (section 3.10)."""

from __future__ import annotations

import asyncio
from functools import partial

from query.logs.lines import Lines
from query.logs.page import Page
from query.logs.searched import SEARCHED, indexed_sql
from query.logs.snapshot import Order
from query.memory.living import living
from query.paging import PageSize
from query.reader import Reader
from query.rows import Int64, MetricFilter, filter_sql
from query.span import Span
from schema.registry import Entity
from schema.requests import Boolean, Request
from schema.wire import Answer, Caller, Endpoints, Reply, Tier

endpoints = Endpoints(Tier.QUERY)


class GetTaskLog(Request):
    """A page of a task's lines before or after a time.

    Eventide's own: ``search`` (a text that lines contain, in any case) and ``levels``.
    """

    task: str
    batch_size: PageSize = 5000
    navigate_earlier: Boolean = True
    from_timestamp: Int64 = 0
    order: Order | None = None
    metrics: list[MetricFilter] = []
    search: str = ""
    levels: list[str] = []

    @property
    def span(self) -> Span:
        """Where its lines are."""
        return Span.beyond(self.from_timestamp, "DESC" if self.navigate_earlier else "ASC")

    @property
    def is_filtered(self) -> bool:
        """Whether not all lines are meant."""
        return bool(self.metrics or self.search or self.levels)


@endpoints.add("events.get_task_log", "2.9")
async def get_task_log(reader: Reader, caller: Caller, request: GetTaskLog) -> Reply:
    """A page next to ``from_timestamp`` (exclusive; 0: none); lines of one timestamp stay together.

    Those without a timestamp follow where no start is given.
    """
    task = await reader.entity(caller, request.task)
    if request.span.is_newest and not request.is_filtered:  # asked for again and again, to see what is new
        return await reader.memory.answer(request, [task], lambda: page_of(reader, task, request))
    return Reply(await page_of(reader, task, request))


async def page_of(reader: Reader, task: Entity, request: GetTaskLog) -> Answer:
    """Of a log, its lines as events."""
    read = partial(_read_page, reader, task, request)
    if request.is_filtered:
        page, total = await read()
    else:
        page, total = await reader.tails.page(task.key, request.span, request.batch_size, read)
    events = page.documents()
    if request.order and (request.order == "asc") == request.navigate_earlier:
        events.reverse()
    return {"events": events, "returned": len(events), "total": total}


async def _read_page(reader: Reader, task: Entity, request: GetTaskLog) -> tuple[Page, int]:
    """A page, and how many lines there are."""
    read = _filtered_page if request.is_filtered else _page
    lines, total, page = await read(reader, task, request)
    if request.span.is_whole and len(page) < min(request.batch_size, total):
        page = page.followed_by(await lines.untimed(request.batch_size - len(page)))
    return page, total


async def _page(reader: Reader, task: Entity, request: GetTaskLog) -> tuple[Lines, int, Page]:
    """The lines that are not deleted, how many, and those with a timestamp of a page."""
    alive = await living(reader.known, task)
    lines = Lines(reader.store, task).living(alive)
    total, page = await asyncio.gather(
        reader.totals.of(task, alive, lines.total), reader.paces.page(lines, request.span, request.batch_size)
    )
    return lines, total, page


async def _filtered_page(reader: Reader, task: Entity, request: GetTaskLog) -> tuple[Lines, int, Page]:
    """The same of those that are meant: where they are few, one look through the log finds both."""
    lines = _chosen(Lines(reader.store, task).living(await living(reader.known, task)), request)
    found = await lines.matches()
    total = found.count()
    page = await lines.matching_page(request.span, request.batch_size, found)
    return lines, await lines.total() if total is None else total, page


def _chosen(lines: Lines, request: GetTaskLog) -> Lines:
    """Those that are meant."""
    condition, parameters = filter_sql(request.metrics)
    if request.search:
        condition += f" AND {SEARCHED}"
    if request.levels:
        condition += " AND level IN {levels:Array(String)}"
    indexed, of_index = indexed_sql(request.search)
    of_request = {"search": request.search, "levels": request.levels}
    return lines.where({"$filter": condition, "$indexed": indexed}, **parameters, **of_index, **of_request)
