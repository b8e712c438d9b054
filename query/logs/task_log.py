"""Console logs: ``get_task_log`` in its three implementations, ``download_task_log`` (sections 3.10 and 3.12)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import Field

from query.cursor import END
from query.logs.lines import LINES, WIDER, WITHIN, Lines
from query.logs.page import Page
from query.logs.searched import SEARCHED, indexed_sql
from query.memory.living import living
from query.paging import MAX_PAGE, PageSize, Snapshot
from query.reader import Reader
from query.rows import Int64, MetricFilter, columns, filter_sql
from query.scrolls import scroll_state
from query.span import Span
from query.threads import ONE_THREAD
from schema.errors import BadValue, MissingField
from schema.events import NO_TIMESTAMP
from schema.registry import Entity
from schema.requests import Boolean, Integer, Request
from schema.tables import INT64_MIN, LOG
from schema.wire import Answer, Caller, Endpoints, Reply, Stream, Tier, to_json

Order = Literal["asc", "desc"]

DOWNLOAD_PAGE = 10_000
PLACEHOLDERS = frozenset(("asctime", "timestamp", "level", "worker", "msg"))
WIDE = re.compile(r"\d{4}")
SCROLL = "get_task_log"

SNAPSHOT_SQL = f"SELECT count() AS n, max(seq) AS newest {LINES}"
# A snapshot's order as one ascending key; lines without a timestamp come last in both directions.
SNAPSHOT_KEYS = {"asc": "timestamp", "desc": f"if(timestamp = {NO_TIMESTAMP}, timestamp, bitNot(timestamp))"}
SNAPSHOT_PAGE_SQL = f"""
SELECT {columns(LOG)}, $key AS place {LINES} AND seq <= {{newest:UInt64}} AND ($within) AND $after
ORDER BY place, seq LIMIT {{size:UInt32}}{ONE_THREAD}
"""

endpoints = Endpoints(Tier.QUERY)


class GetTaskLogV1(Request):
    """A snapshot scroll over a task's lines."""

    task: str
    order: Order = "desc"
    batch_size: Annotated[Integer, Field(ge=1)] = 500
    scroll_id: str = ""


class GetTaskLogV17(GetTaskLogV1):
    """The same, from either end."""

    from_: str = Field("head", alias="from")


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


class DownloadTaskLog(Request):
    """All lines of a task as a file."""

    task: str
    line_type: str = "json"
    line_format: str = "{asctime} {worker} {level} {msg}"


@endpoints.add("events.get_task_log", "1.0")
async def get_task_log_v1(reader: Reader, caller: Caller, request: GetTaskLogV1) -> Answer:
    """Lines by timestamp, newest first unless asked otherwise."""
    task = await reader.entity(caller, request.task)
    return await _scroll(reader, caller, task, request, request.order)


@endpoints.add("events.get_task_log", "1.7")
async def get_task_log_v17(reader: Reader, caller: Caller, request: GetTaskLogV17) -> Answer:
    """Pages from the head or the tail of the log; each is turned to ``order``."""
    task = await reader.entity(caller, request.task)
    direction: Order = "asc" if request.from_ in ("head", "") else "desc"
    answer = await _scroll(reader, caller, task, request, direction)
    if direction != request.order:
        answer["events"].reverse()
    return answer


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


@endpoints.add("events.download_task_log")
async def download_task_log(reader: Reader, caller: Caller, request: DownloadTaskLog) -> Stream:
    """The whole log, oldest first: a JSON object or a formatted text a line. Raises MissingField and BadValue."""
    task = await reader.entity(caller, request.task)
    is_json = request.line_type.lower() == "json"
    if not is_json:
        check_line_format(request.line_format)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Disposition": f"attachment; filename=task_{task.id}.log",
        "Cache-Control": "no-store, max-age=0",
    }
    return Stream(_download(reader, task, None if is_json else request.line_format), headers)


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


async def _scroll(
    reader: Reader, caller: Caller, task: Entity, request: GetTaskLogV1, direction: Order
) -> dict[str, Any]:
    """The next page of a snapshot scroll in ``direction``."""
    if request.scroll_id == END:
        return {"events": [], "returned": 0, "total": 0, "scroll_id": END}
    endpoint = f"{SCROLL} {direction}"
    if request.scroll_id:
        snapshot = Snapshot.of(await scroll_state(reader, caller, endpoint, [task.id], request.scroll_id))
    else:
        snapshot = await _snapshot(reader, task, min(request.batch_size, MAX_PAGE))
    page = await _snapshot_page(reader, task, snapshot, direction)
    scroll_id = END
    if page:
        snapshot = _after(snapshot, page)
        scroll_id = reader.cursors.make(endpoint, caller, [task.id], snapshot.state())
    return {"events": page.documents(), "returned": len(page), "total": snapshot.total, "scroll_id": scroll_id}


async def _snapshot(reader: Reader, task: Entity, size: int) -> Snapshot:
    lines = Lines(reader.store, task).living(await living(reader.known, task))
    found = (await lines.read(SNAPSHOT_SQL))[0]
    return Snapshot((found["newest"],), found["n"], size)


def _after(snapshot: Snapshot, page: Page) -> Snapshot:
    return replace(snapshot, position=(page.columns["place"][-1], page.columns["seq"][-1]))


async def _snapshot_page(reader: Reader, task: Entity, snapshot: Snapshot, order: Order) -> Page:
    """As far as it takes to fill it; only the last page, which is empty, tells that there is no more."""
    lines, span = Lines(reader.store, task), _rest(snapshot, order)
    near = snapshot.size + snapshot.size // 4  # others of the first timestamp were delivered before
    alive, end = await asyncio.gather(living(reader.known, task), lines.end(span, near))
    lines = _of_snapshot(lines.living(alive), snapshot, order)
    while True:
        texts = {"$within": WITHIN if end is not None or order == "asc" else f"{WITHIN} OR timestamp = {NO_TIMESTAMP}"}
        page = await lines.read_page(SNAPSHOT_PAGE_SQL, texts, **span.until(end).parameters)
        if end is None or len(page) >= snapshot.size:
            return page
        near *= WIDER
        end = await lines.end(span, near)


def _rest(snapshot: Snapshot, order: Order) -> Span:
    """The timestamps that follow; those of lines without one come last, in descending order not within the span."""
    place = snapshot.position[0] if snapshot.position else INT64_MIN
    if order == "asc":
        return Span(place, NO_TIMESTAMP, "ASC")
    return Span(INT64_MIN, min(~place, NO_TIMESTAMP - 1), "DESC")


def _of_snapshot(lines: Lines, snapshot: Snapshot, order: Order) -> Lines:
    lines = lines.where({"$key": SNAPSHOT_KEYS[order], "$after": "1"}, newest=snapshot.newest[0], size=snapshot.size)
    if not snapshot.position:
        return lines
    place, seq = snapshot.position
    after = {"$after": "place >= {place:Int64} AND (place > {place:Int64} OR seq > {seq:UInt64})"}
    return lines.where(after, place=place, seq=seq)


async def _download(reader: Reader, task: Entity, line_format: str | None) -> AsyncIterator[bytes]:
    """The log page by page, so that memory does not grow with it."""
    snapshot = await _snapshot(reader, task, DOWNLOAD_PAGE)
    while page := await _snapshot_page(reader, task, snapshot, "asc"):
        snapshot = _after(snapshot, page)
        events = page.documents()
        if line_format is None:
            yield b"".join(_json_line(event) for event in events)
        else:
            yield "".join(_text_line(event, line_format) for event in events).encode()


def _json_line(event: dict[str, Any]) -> bytes:
    event["asctime"] = event.pop("timestamp")
    del event["type"], event["task"]
    return to_json(event) + b"\n"


def _text_line(event: dict[str, Any], line_format: str) -> str:
    values = {name: event.get(name) for name in PLACEHOLDERS} | {"asctime": event["timestamp"]}
    values = {name: "" if value is None else value for name, value in values.items()}
    try:
        return line_format.rstrip("\n").format(**values) + "\n"
    except (ValueError, TypeError):  # a number's format, and this line has a text or nothing there
        return AsFarAsPossible().vformat(line_format.rstrip("\n"), (), values) + "\n"


class AsFarAsPossible(Formatter):
    """Values that a format is not for are told as they are."""

    def format_field(self, value: Any, format_spec: str) -> str:
        try:
            return str(super().format_field(value, format_spec))
        except (ValueError, TypeError):
            return str(value)


def check_line_format(line_format: str) -> None:
    """Raises MissingField for an empty format, BadValue for one that is malformed or names anything but a field."""
    if not line_format:
        raise MissingField("line_format is empty")
    try:
        parts = list(Formatter().parse(line_format))
    except ValueError as error:
        raise BadValue(f"Invalid line_format: {error}") from error
    if any(WIDE.search(spec or "") for _, _, spec, _ in parts):
        raise BadValue("Invalid line_format: a width beyond 999")
    unknown = [
        name for _, name, spec, _ in parts if name is not None and (name not in PLACEHOLDERS or "{" in (spec or ""))
    ]
    if unknown:
        raise BadValue(f"Invalid line_format: unknown {', '.join(unknown)}")
    try:
        line_format.format(asctime=0, timestamp=0, level="", worker="", msg="")
    except (ValueError, TypeError) as error:
        raise BadValue(f"Invalid line_format: {error}") from error
