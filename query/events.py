"""The endpoint ``get_task_events``: an entity's events of any types, by iteration (API contract 3.11).

Events without ``iter`` follow the others, by type and write order. A page is completed with all events of its last
iteration, up to MAX_TIES of them; where even those do not suffice, the cursor resumes inside the iteration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Literal

from query.columns.events import event_tables, is_streamed, schema_of
from query.columns.formats import JSON, Format, stream
from query.context import QueryContext
from query.pagination.paging import MAX_TIES, PageSize, remember, resume
from query.sql.statements import ANY_TYPE, EventType, MetricFilter, fill, filter_sql
from query.sql.tombstone_filter import TombstoneFilter
from query.sql.union import documents_of_any, union
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Stream, Tier
from schema.errors import InvalidField
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, INT64_MIN
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITY_SQL

NAME = "get_task_events"

KEYS_SQL = f"""(
    SELECT $key AS place FROM $table FINAL $first {OF_ENTITY_SQL} AND has_iter AND $filter AND $key >= {{place:Int64}}
    $then $living AND ($key, '$type', seq) > ({{place:Int64}}, {{type:String}}, {{seq:UInt64}})
    ORDER BY place LIMIT {{size:UInt32}}
)"""
ROWS_SQL = f"""(
    SELECT $columns, $key AS place FROM $table FINAL
    $first {OF_ENTITY_SQL} AND has_iter AND $filter AND $key >= {{place:Int64}} AND $key <= last_place
    $then $living AND ($key, '$type', seq) > ({{place:Int64}}, {{type:String}}, {{seq:UInt64}})
    ORDER BY place, seq LIMIT {{limit:UInt32}}
)"""
LAST_SQL = "(SELECT max(place) FROM (SELECT place FROM ($keys) ORDER BY place LIMIT {size:UInt32}))"
PAGE_SQL = """
WITH $last AS last_place
SELECT * FROM ($rows) ORDER BY place, event_type, seq LIMIT {limit:UInt32}
"""
REST_SQL = f"""(
    SELECT $columns FROM $table FINAL $first {OF_ENTITY_SQL} AND NOT has_iter AND $filter
    $then $living AND ('$type', seq) > ({{type:String}}, {{seq:UInt64}})
    ORDER BY seq LIMIT {{size:UInt32}}
)"""
REST_PAGE_SQL = "SELECT * FROM ($rows) ORDER BY event_type, seq LIMIT {size:UInt32}"
COUNT_SQL = f"""(
    SELECT '$type' AS event_type, countIf(has_iter) AS placed, countIf(NOT has_iter) AS rest
    FROM $table FINAL $first {OF_ENTITY_SQL} AND $filter $then $living
)"""
COUNTS_SQL = "SELECT event_type, placed, rest FROM ($counts)"

endpoints = Endpoints(Tier.QUERY)


class GetTaskEvents(Request):
    """A page of an entity's events; with ``scroll_id``, the next one of the request that opened the scroll."""

    task: str
    event_type: EventType = ANY_TYPE
    order: Literal["asc", "desc"] = "asc"
    batch_size: PageSize = 500
    count_total: Boolean = True
    metrics: list[MetricFilter] = []
    model_events: Boolean = False
    scroll_id: str = ""
    format: Format = JSON


@dataclass(frozen=True)
class EventPosition:
    """The last event delivered. ``place`` grows in the direction of reading; None: among events without ``iter``."""

    place: int | None = INT64_MIN
    event_type: str = ""
    seq: int = 0

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the statements."""
        return {"place": self.place, "type": self.event_type, "seq": self.seq}


BEFORE_REST = EventPosition(place=None)


@dataclass(frozen=True)
class EventScroll:
    """A position scroll under way. ``position``: None once a page was empty. ``total``: None if it is not counted."""

    request: GetTaskEvents
    total: int | None = None
    position: EventPosition | None = EventPosition()


@dataclass(frozen=True)
class Counts:
    """Numbers of a scroll's events with and without an iteration, by event type."""

    placed: Mapping[str, int]
    rest: Mapping[str, int]

    @property
    def total(self) -> int:
        """The number of all events."""
        return sum(self.placed.values()) + sum(self.rest.values())


@dataclass(frozen=True)
class Events:
    """The events of a request: those of an entity, of some types.

    ``counts``: where they are known, types without events are not looked for.
    """

    store: Store
    living: TombstoneFilter
    request: GetTaskEvents
    types: Sequence[str]
    counts: Counts | None = None

    async def count(self) -> Counts:
        """Count the events."""
        rows = await self._read(COUNTS_SQL, {"$counts": COUNT_SQL}, self.types, {})
        return Counts(*({row["event_type"]: row[kind] for row in rows if row[kind]} for kind in ("placed", "rest")))

    async def after(self, position: EventPosition) -> tuple[list[Row], EventPosition | None]:
        """Return a page of rows after a position, and the position after them (None if there are none)."""
        size = self.request.batch_size
        if not size:
            return [], position
        rows = [] if position.place is None else await self._by_iteration(position)
        if len(rows) < size:
            rows += await self._rest(position if position.place is None else BEFORE_REST, size - len(rows))
        if not rows:
            return [], None
        return rows, EventPosition(rows[-1].get("place"), rows[-1]["event_type"], rows[-1]["seq"])

    async def _by_iteration(self, position: EventPosition) -> list[Row]:
        size = self.request.batch_size
        types = self.types if self.counts is None else list(self.counts.placed)
        is_all = self.counts is not None and sum(self.counts.placed.values()) <= size
        sql = fill(PAGE_SQL, {"$last": f"toInt64({INT64_MAX})" if is_all else LAST_SQL})
        limits = {"size": size, "limit": size + MAX_TIES}
        return await self._read(sql, {"$keys": KEYS_SQL, "$rows": ROWS_SQL}, types, position.parameters() | limits)

    async def _rest(self, position: EventPosition, size: int) -> list[Row]:
        """Read events without ``iter``."""
        types = self.types if self.counts is None else list(self.counts.rest)
        return await self._read(REST_PAGE_SQL, {"$rows": REST_SQL}, types, position.parameters() | {"size": size})

    async def _read(
        self, sql: str, parts: Mapping[str, str], types: Sequence[str], parameters: Mapping[str, Any]
    ) -> list[Row]:
        """Run a statement. ``parts``: what stands in ``sql`` once for each type."""
        if not types:
            return []
        condition, filtered = filter_sql(self.request.metrics)
        texts = {"$filter": condition, "$key": "iter" if self.request.order == "asc" else "bitNot(iter)"}
        unions = {name: union(fill(part, texts), types, self.living) for name, part in parts.items()}
        return await self.store.read(fill(sql, unions), {**filtered, **self.living.parameters, **parameters})


@endpoints.add("events.get_task_events")
async def get_task_events(context: QueryContext, caller: Caller, request: GetTaskEvents) -> Answer | Stream:
    """Return ``{events, returned, total, scroll_id}``. The scroll never expires, and goes on returning its end.

    As columns (``format``) all events of one type but ``log`` are streamed.
    """
    entity = await context.entity(caller, request.task, request.model_events)
    if request.format != JSON:
        return _columns(context, entity, request)
    reading = _resume(context, caller, request)
    if reading.position is None:
        return {"events": [], "returned": 0, "total": reading.total, "scroll_id": request.scroll_id}
    alive = await context.caches.entity_index.tombstone_filter(entity)
    types = await _types(context, entity, reading.request.event_type)
    events, total = await _counted(Events(context.store, alive, reading.request, types), reading.total)
    rows, position = await events.after(reading.position)
    scroll_id = _scroll_id(context, caller, replace(reading, total=total, position=position))
    return {"events": documents_of_any(rows), "returned": len(rows), "total": total, "scroll_id": scroll_id}


def _columns(context: QueryContext, entity: Entity, request: GetTaskEvents) -> Stream:
    """Return the events of a type as columns. Raises InvalidField if none is named that has its columns here."""
    if not is_streamed(request.event_type):
        raise InvalidField("event_type: with a format, one type is expected; of log lines: download_task_log")
    tables = event_tables(context, entity, request.event_type, request.metrics)
    return stream(request.format, f"{entity.id}_{request.event_type}", schema_of(request.event_type), tables)


async def _counted(events: Events, total: int | None) -> tuple[Events, int | None]:
    """Count the events of the scroll, if that is asked for and not done yet; return them with their number."""
    if total is not None or not events.request.count_total:
        return events, total
    counts = await events.count()
    return replace(events, counts=counts), counts.total


async def _types(context: QueryContext, entity: Entity, wanted: str) -> Sequence[str]:
    """Return the event types to look for: for ``*``, those that the entity ever had, which are few."""
    return sorted(await context.caches.entity_index.event_types(entity)) if wanted == ANY_TYPE else [wanted]


def _resume(context: QueryContext, caller: Caller, request: GetTaskEvents) -> EventScroll:
    """Return the scroll that a request opens or continues. Raises InvalidScroll.

    The first request decides everything but the page's size.
    """
    if not request.scroll_id:
        return EventScroll(request)
    state = context.cursors.read(request.scroll_id, NAME, caller, [request.task], lifetime=None)
    opened = resume(request, state["request"])
    if "batch_size" in request.model_fields_set:
        opened = opened.model_copy(update={"batch_size": request.batch_size})
    return EventScroll(opened, state["total"], None if state["position"] is None else EventPosition(*state["position"]))


def _scroll_id(context: QueryContext, caller: Caller, reading: EventScroll) -> str:
    state = {
        "request": remember(reading.request),
        "total": reading.total,
        "position": reading.position and astuple(reading.position),
    }
    return context.cursors.make(NAME, caller, [reading.request.task], state)
