"""Console logs: ``get_task_log`` in its three implementations, ``download_task_log`` (sections 3.10 and 3.12)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import Field

from query.cursor import END
from query.living import living
from query.paging import MAX_PAGE, MAX_TIES, MAX_UNSCROLLED_TOTAL, PageSize, Snapshot
from query.reader import Reader
from query.rows import Int64, MetricFilter, columns, documents, fill, filter_sql
from schema.errors import BadValue, MissingField
from schema.events import NO_TIMESTAMP
from schema.living import ENTITY
from schema.registry import Entity
from schema.requests import Boolean, Integer, Request
from schema.store import Store
from schema.tables import LOG
from schema.wire import Answer, Caller, Endpoints, Stream, Tier, to_json

Order = Literal["asc", "desc"]
Rows = list[dict[str, Any]]

DOWNLOAD_PAGE = 5_000
PLACEHOLDERS = frozenset(("asctime", "timestamp", "level", "worker", "msg"))
WIDE = re.compile(r"\d{4}")
SCROLL = "get_task_log"

LINES = f"FROM logs FINAL WHERE {ENTITY} AND $living"
COPIES = f"FROM logs WHERE {ENTITY} AND $living"  # a line that was written again is there more than once
SNAPSHOT_SQL = f"SELECT count() AS n, max(seq) AS newest {LINES}"
TOTAL_SQL = f"""
SELECT count() AS n FROM (SELECT DISTINCT timestamp, batch_id, line {COPIES} AND $filter LIMIT {MAX_UNSCROLLED_TOTAL})
"""
# The table's order is that of the timestamps: the nearest are found without a look at the whole log.
NEAR, ALL = 2, 2**63  # times the page: so many copies are looked at first
TIMED_PAGE_SQL = f"""
SELECT * FROM
(
    SELECT {columns(LOG)} {LINES} AND timestamp != {NO_TIMESTAMP} AND $filter AND $start AND timestamp IN
    (
        SELECT timestamp {COPIES} AND timestamp != {NO_TIMESTAMP} AND $filter AND $start
        ORDER BY timestamp $direction LIMIT {{near:UInt64}}
    )
    ORDER BY timestamp $direction LIMIT {{size:UInt32}} WITH TIES
)
ORDER BY timestamp $direction, seq LIMIT {{limit:UInt32}}
"""
UNTIMED_PAGE_SQL = f"""
SELECT {columns(LOG)} {LINES} AND timestamp = {NO_TIMESTAMP} AND $filter ORDER BY seq LIMIT {{size:UInt32}}
"""
# A snapshot's order as one ascending key; lines without a timestamp come last in both directions.
SNAPSHOT_KEYS = {"asc": "timestamp", "desc": f"if(timestamp = {NO_TIMESTAMP}, timestamp, bitNot(timestamp))"}
SNAPSHOT_PAGE_SQL = f"""
SELECT {columns(LOG)}, $key AS place {LINES} AND seq <= {{newest:UInt64}} AND $after
ORDER BY place, seq LIMIT {{size:UInt32}}
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


class DownloadTaskLog(Request):
    """All lines of a task as a file."""

    task: str
    line_type: str = "json"
    line_format: str = "{asctime} {worker} {level} {msg}"


@dataclass(frozen=True)
class Lines:
    """Statements about a task's lines: their fixed parts and parameters."""

    store: Store
    texts: Mapping[str, str]
    parameters: Mapping[str, Any]

    def where(self, texts: Mapping[str, str], **parameters: Any) -> Lines:
        """With more of both."""
        return Lines(self.store, {**self.texts, **texts}, {**self.parameters, **parameters})

    async def read(self, sql: str, **parameters: Any) -> Rows:
        """The rows of one of the statements above."""
        return await self.store.read(fill(sql, self.texts), {**self.parameters, **parameters})


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
async def get_task_log(reader: Reader, caller: Caller, request: GetTaskLog) -> Answer:
    """A page next to ``from_timestamp`` (exclusive; 0: none); lines of one timestamp stay together.

    Those without a timestamp follow where no start is given.
    """
    task = await reader.entity(caller, request.task)
    lines = _chosen(await _lines(reader, task), request)
    counts, rows = await asyncio.gather(lines.read(TOTAL_SQL), _timed(lines, request, NEAR * request.batch_size))
    total = counts[0]["n"]
    wanted = min(request.batch_size, total)
    if len(rows) < wanted:  # the end of a log that was entered elsewhere, many copies, or lines without a timestamp
        rows = await _timed(lines, request, ALL)
    if len(rows) < wanted and not request.from_timestamp:
        rows += await lines.read(UNTIMED_PAGE_SQL, size=request.batch_size - len(rows))
    events = documents(rows, LOG)
    if request.order and (request.order == "asc") == request.navigate_earlier:
        events.reverse()
    return {"events": events, "returned": len(events), "total": total}


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


async def _lines(reader: Reader, task: Entity) -> Lines:
    alive = await living(reader.store, task)
    return Lines(reader.store, {"$living": alive.lines}, alive.parameters)


def _chosen(lines: Lines, request: GetTaskLog) -> Lines:
    """Those that are meant."""
    condition, parameters = filter_sql(request.metrics)
    if request.search:
        condition += " AND positionCaseInsensitiveUTF8(msg, {search:String}) > 0"
    if request.levels:
        condition += " AND level IN {levels:Array(String)}"
    return lines.where({"$filter": condition}, **parameters, search=request.search, levels=request.levels)


async def _timed(lines: Lines, request: GetTaskLog, near: int) -> Rows:
    """Lines that have a timestamp, in the direction of navigation: a page of the ``near`` copies that come next."""
    if request.batch_size == 0:
        return []
    earlier, start = request.navigate_earlier, request.from_timestamp
    texts = {
        "$direction": "DESC" if earlier else "ASC",
        "$start": f"timestamp {'<' if earlier else '>'} {{start:Int64}}" if start else "1",
    }
    size = request.batch_size
    return await lines.where(texts, start=start).read(TIMED_PAGE_SQL, size=size, limit=size + MAX_TIES, near=near)


async def _scroll(
    reader: Reader, caller: Caller, task: Entity, request: GetTaskLogV1, direction: Order
) -> dict[str, Any]:
    """The next page of a snapshot scroll in ``direction``."""
    if request.scroll_id == END:
        return {"events": [], "returned": 0, "total": 0, "scroll_id": END}
    endpoint, lines = f"{SCROLL} {direction}", await _lines(reader, task)
    if request.scroll_id:
        snapshot = Snapshot.of(reader.cursors.read(request.scroll_id, endpoint, caller, [task.id]))
    else:
        snapshot = await _snapshot(lines, min(request.batch_size, MAX_PAGE))
    rows = await _snapshot_page(lines, snapshot, direction)
    scroll_id = END
    if rows:
        snapshot = replace(snapshot, position=(rows[-1]["place"], rows[-1]["seq"]))
        scroll_id = reader.cursors.make(endpoint, caller, [task.id], snapshot.state())
    return {"events": documents(rows, LOG), "returned": len(rows), "total": snapshot.total, "scroll_id": scroll_id}


async def _snapshot(lines: Lines, size: int) -> Snapshot:
    found = (await lines.read(SNAPSHOT_SQL))[0]
    return Snapshot((found["newest"],), found["n"], size)


async def _snapshot_page(lines: Lines, snapshot: Snapshot, direction: Order) -> Rows:
    texts = {"$key": SNAPSHOT_KEYS[direction], "$after": "1"}
    lines = lines.where(texts, newest=snapshot.newest[0], size=snapshot.size)
    if snapshot.position:
        texts["$after"] = "place >= {place:Int64} AND (place > {place:Int64} OR seq > {seq:UInt64})"
        lines = lines.where(texts, place=snapshot.position[0], seq=snapshot.position[1])
    return await lines.read(SNAPSHOT_PAGE_SQL)


async def _download(reader: Reader, task: Entity, line_format: str | None) -> AsyncIterator[bytes]:
    """The log page by page, so that memory does not grow with it."""
    snapshot = await _snapshot(await _lines(reader, task), DOWNLOAD_PAGE)
    while rows := await _snapshot_page(await _lines(reader, task), snapshot, "asc"):
        snapshot = replace(snapshot, position=(rows[-1]["place"], rows[-1]["seq"]))
        events = documents(rows, LOG)
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
        return " ".join(str(value) for value in values.values()) + "\n"


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
