"""``get_task_events``: an entity's events of any types, by iteration (specification section 3.11).

Events without ``iter`` follow the others, by type and write order. A page is completed with all events of its last
iteration, up to MAX_TIES of them; where even those do not suffice, the cursor resumes inside the iteration.
"""

from __future__ import annotations

import asyncio
from dataclasses import astuple, dataclass, replace
from typing import Any, Literal

from query.paging import MAX_TIES, PageSize, remember, resume
from query.reader import Reader
from query.rows import EventType, MetricFilter, Row, documents_of_any, event_types, fill, filter_sql, of_entity, union
from schema.living import ENTITY
from schema.registry import Entity
from schema.requests import Boolean, Request
from schema.tables import INT64_MIN
from schema.wire import Answer, Caller, Endpoints, Tier

NAME = "get_task_events"

KEYS_SQL = f"""(
    SELECT $key AS place FROM $table FINAL $first {ENTITY} AND has_iter AND $filter AND $key >= {{place:Int64}}
    $then $living AND ($key, '$type', seq) > ({{place:Int64}}, {{type:String}}, {{seq:UInt64}})
    ORDER BY place LIMIT {{size:UInt32}}
)"""
ROWS_SQL = f"""(
    SELECT $columns, $key AS place FROM $table FINAL
    $first {ENTITY} AND has_iter AND $filter AND $key >= {{place:Int64}} AND $key <= last_place
    $then $living AND ($key, '$type', seq) > ({{place:Int64}}, {{type:String}}, {{seq:UInt64}})
    ORDER BY place, seq LIMIT {{limit:UInt32}}
)"""
PAGE_SQL = """
WITH (SELECT max(place) FROM (SELECT place FROM ($keys) ORDER BY place LIMIT {size:UInt32})) AS last_place
SELECT * FROM ($rows) ORDER BY place, event_type, seq LIMIT {limit:UInt32}
"""
REST_SQL = f"""(
    SELECT $columns FROM $table FINAL $first {ENTITY} AND NOT has_iter AND $filter
    $then $living AND ('$type', seq) > ({{type:String}}, {{seq:UInt64}})
    ORDER BY seq LIMIT {{size:UInt32}}
)"""
REST_PAGE_SQL = "SELECT * FROM ($rows) ORDER BY event_type, seq LIMIT {size:UInt32}"
COUNT_SQL = f"SELECT count() AS n FROM $table FINAL $first {ENTITY} AND $filter $then $living"
TOTAL_SQL = "SELECT sum(n) AS n FROM ($counts)"

endpoints = Endpoints(Tier.QUERY)


class GetTaskEvents(Request):
    """A page of an entity's events; with ``scroll_id``, the next one of the request that opened the scroll."""

    task: str
    event_type: EventType = "*"
    order: Literal["asc", "desc"] = "asc"
    batch_size: PageSize = 500
    count_total: Boolean = True
    metrics: list[MetricFilter] = []
    model_events: Boolean = False
    scroll_id: str = ""


@dataclass(frozen=True)
class Position:
    """The last event delivered. ``place`` grows in the direction of reading; None: among events without ``iter``."""

    place: int | None = INT64_MIN
    event_type: str = ""
    seq: int = 0

    def parameters(self) -> dict[str, Any]:
        """Those of the statements."""
        return {"place": self.place, "type": self.event_type, "seq": self.seq}


BEFORE_REST = Position(place=None)


@dataclass(frozen=True)
class Reading:
    """A scroll under way (kind B). ``position``: None once a page was empty. ``total``: None if it is not counted."""

    request: GetTaskEvents
    total: int | None = None
    position: Position | None = Position()


@endpoints.add("events.get_task_events")
async def get_task_events(reader: Reader, caller: Caller, request: GetTaskEvents) -> Answer:
    """``{events, returned, total, scroll_id}``. The scroll never expires, and goes on returning its end."""
    entity = await reader.entity(caller, request.task, request.model_events)
    reading = _resume(reader, caller, request)
    if reading.position is None:
        return {"events": [], "returned": 0, "total": reading.total, "scroll_id": request.scroll_id}
    (rows, position), total = await asyncio.gather(
        _read_page(reader, entity, reading.request, reading.position), _count(reader, entity, reading)
    )
    scroll_id = _scroll_id(reader, caller, replace(reading, total=total, position=position))
    return {"events": documents_of_any(rows), "returned": len(rows), "total": total, "scroll_id": scroll_id}


def _resume(reader: Reader, caller: Caller, request: GetTaskEvents) -> Reading:
    """The first request of a scroll decides but for the page's size, which it only suggests. Raises InvalidScroll."""
    if not request.scroll_id:
        return Reading(request)
    state = reader.cursors.read(request.scroll_id, NAME, caller, [request.task], lifetime=None)
    opened = resume(request, state["request"])
    if "batch_size" in request.model_fields_set:
        opened = opened.model_copy(update={"batch_size": request.batch_size})
    return Reading(opened, state["total"], None if state["position"] is None else Position(*state["position"]))


def _scroll_id(reader: Reader, caller: Caller, reading: Reading) -> str:
    state = {
        "request": remember(reading.request),
        "total": reading.total,
        "position": reading.position and astuple(reading.position),
    }
    return reader.cursors.make(NAME, caller, [reading.request.task], state)


async def _count(reader: Reader, entity: Entity, reading: Reading) -> int | None:
    """All events of the scroll, counted for its first page."""
    if reading.total is not None or not reading.request.count_total:
        return reading.total
    condition, parameters = filter_sql(reading.request.metrics)
    counts = union(fill(COUNT_SQL, {"$filter": condition}), event_types(reading.request.event_type))
    rows = await reader.store.read(fill(TOTAL_SQL, {"$counts": counts}), parameters | of_entity(entity))
    return int(rows[0]["n"])


async def _read_page(
    reader: Reader, entity: Entity, request: GetTaskEvents, position: Position
) -> tuple[list[Row], Position | None]:
    """The rows after a position, and the position after them: None if there are none."""
    if not request.batch_size:
        return [], position
    rows = [] if position.place is None else await _read_by_iteration(reader, entity, request, position)
    missing = request.batch_size - len(rows)
    if missing > 0:
        rest = position if position.place is None else BEFORE_REST
        rows += await _read_rest(reader, entity, request, rest, missing)
    if not rows:
        return [], None
    return rows, Position(rows[-1].get("place"), rows[-1]["event_type"], rows[-1]["seq"])


async def _read_by_iteration(reader: Reader, entity: Entity, request: GetTaskEvents, position: Position) -> list[Row]:
    condition, parameters = filter_sql(request.metrics)
    texts = {"$filter": condition, "$key": "iter" if request.order == "asc" else "bitNot(iter)"}
    types = event_types(request.event_type)
    sql = fill(PAGE_SQL, {"$keys": union(fill(KEYS_SQL, texts), types), "$rows": union(fill(ROWS_SQL, texts), types)})
    parameters |= {"size": request.batch_size, "limit": request.batch_size + MAX_TIES}
    return await reader.store.read(sql, parameters | of_entity(entity) | position.parameters())


async def _read_rest(
    reader: Reader, entity: Entity, request: GetTaskEvents, position: Position, size: int
) -> list[Row]:
    """Events without ``iter``."""
    condition, parameters = filter_sql(request.metrics)
    rows = union(fill(REST_SQL, {"$filter": condition}), event_types(request.event_type))
    parameters |= {"size": size} | of_entity(entity) | position.parameters()
    return await reader.store.read(fill(REST_PAGE_SQL, {"$rows": rows}), parameters)
