"""Snapshot scrolls (API contract 3.0.5) over the events of one type, newest iteration first.

Two statements open a scroll (what there is; the first page), one continues it. Events without ``iter`` come last, ties
in write order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from query.context import QueryContext
from query.pagination.paging import END, MAX_UNSCROLLED_TOTAL, Snapshot, remember, resume
from query.sql.statements import document_columns, entities_parameters, fill
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidScroll
from schema.events.rows import Row
from schema.events.tables import TABLES
from schema.registry import Entity
from schema.store.tombstone_filters import NOT_DELETED_MANY_SQL, OF_ENTITIES_SQL

SELECTED = f"""
    SELECT task, metric, variant, seq, (toUInt8(NOT has_iter), bitNot(iter), seq, task) AS place
    FROM $table FINAL PREWHERE {OF_ENTITIES_SQL} AND $condition
    WHERE {NOT_DELETED_MANY_SQL} AND $written $newest_iterations"""
NEWEST_ITERATIONS = "QUALIFY dense_rank() OVER (PARTITION BY $group ORDER BY iter DESC) <= {iters:UInt32}"
SNAPSHOT_SQL = f"SELECT task, max(seq) AS newest, count() AS n FROM ({SELECTED}) GROUP BY task"
IN_SNAPSHOT_SQL = "seq <= transform(task, {tasks:Array(String)}, {newest:Array(UInt64)}, toUInt64(0))"
AFTER = "place > ({after_absent:UInt8}, {after_iter:Int64}, {after_seq:UInt64}, {after_task:String})"
SCROLL_PAGE_SQL = f"SELECT * FROM ({SELECTED}) WHERE $after ORDER BY place LIMIT {{size:UInt32}}"
PAGE_SQL = f"""
WITH (SELECT (max(place), count()) FROM ({SCROLL_PAGE_SQL})) AS page
SELECT $columns, page.1 AS page_end, page.2 AS page_size
FROM $table FINAL
PREWHERE {OF_ENTITIES_SQL} AND $condition AND (task, seq) IN (SELECT task, seq FROM ({SCROLL_PAGE_SQL}) $kept)
WHERE {NOT_DELETED_MANY_SQL}
ORDER BY NOT has_iter, iter DESC, seq, task
"""
KEPT = "ORDER BY place LIMIT {iters:UInt32} BY $each"

endpoints = Endpoints(Tier.QUERY)


class Scrolled(Request):
    """A request that opens or continues a scroll."""

    scroll_id: str = ""


class MaybeScrolled(Scrolled):
    """A request that opens or continues a scroll, or does without."""

    no_scroll: Boolean = False


class ClearScroll(Request):
    """A scroll that is not needed any more."""

    scroll_id: str = ""


ScrolledType = TypeVar("ScrolledType", bound=Scrolled)


@dataclass(frozen=True)
class Selection:
    """The events of one type that a scroll runs over, ``size`` a page.

    ``condition``: SQL over what identifies an event, with its ``parameters``. Where a column list is given, the
    parameter ``iters`` limits: ``newest_of``, the distinct iterations selected for each of its values; ``kept_of``, the
    events of each of its values that a page keeps (the rest of the page is skipped).
    """

    event_type: str
    size: int
    condition: str = "1"
    parameters: dict[str, Any] = field(default_factory=dict)
    newest_of: str = ""
    kept_of: str = ""


@dataclass(frozen=True)
class ScrollPage:
    """Rows for ``documents``, the exact total of the scroll, and the scroll id that continues it (None: no scroll)."""

    rows: list[Row]
    total: int
    scroll_id: str | None


@endpoints.add("events.clear_scroll", "2.18")
async def clear_scroll(context: QueryContext, caller: Caller, request: ClearScroll) -> Answer:
    """End a snapshot scroll; any other text is ignored."""
    if context.cursors.knows(request.scroll_id):
        await context.registry.clear_scroll(request.scroll_id)
    return {}


async def scroll_state(context: QueryContext, caller: Caller, name: str, ids: Sequence[str], scroll_id: str) -> Any:
    """Return the state of a snapshot scroll over these entities.

    Raises InvalidScroll, also if it was cleared.
    """
    state = context.cursors.read(scroll_id, name, caller, ids)
    if await context.registry.is_scroll_cleared(scroll_id):
        raise InvalidScroll("The scroll was cleared")
    return state


async def scroll(
    context: QueryContext,
    caller: Caller,
    name: str,
    entities: Sequence[Entity],
    request: ScrolledType,
    select: Callable[[ScrolledType], Selection],
) -> ScrollPage:
    """Return the page that the request's ``scroll_id`` continues, or the first one.

    ``select`` gives the events of the request that opened the scroll; ``name`` tells scrolls apart. A scroll ends with
    an empty page and END. Raises InvalidScroll, and InvalidField if the state of so many entities does not fit a scroll
    id.
    """
    if request.scroll_id == END:
        return ScrollPage([], 0, None)
    entities, snapshot = sorted(entities, key=lambda entity: entity.id), None
    ids = [entity.id for entity in entities]
    if request.scroll_id:
        state = await scroll_state(context, caller, name, ids, request.scroll_id)
        request, snapshot = resume(request, state["request"]), Snapshot.of(state["snapshot"])
    selection = select(request)
    if snapshot is None:
        snapshot = await _take_snapshot(context, entities, selection)
    rows, following = await _read_page(context, entities, selection, snapshot)
    if isinstance(request, MaybeScrolled) and request.no_scroll and not request.scroll_id:
        return ScrollPage(rows, min(snapshot.total, MAX_UNSCROLLED_TOTAL), None)
    if not rows:
        return ScrollPage([], snapshot.total, END)
    state = {"request": remember(request), "snapshot": following.state()}
    return ScrollPage(rows, snapshot.total, context.cursors.make(name, caller, ids, state))


async def _take_snapshot(context: QueryContext, entities: Sequence[Entity], selection: Selection) -> Snapshot:
    sql = fill(SNAPSHOT_SQL, _texts(selection) | {"$written": "1"})
    rows = await context.caches.responses.rows(
        sql, entities_parameters(entities) | selection.parameters, entities, selection.event_type
    )
    newest = {row["task"]: row["newest"] for row in rows}
    total = sum(row["n"] for row in rows)
    return Snapshot(
        tuple(newest.get(entity.id, 0) for entity in entities), total, selection.size, () if total else None
    )


async def _read_page(
    context: QueryContext, entities: Sequence[Entity], selection: Selection, snapshot: Snapshot
) -> tuple[list[Row], Snapshot]:
    """Read the rows after the snapshot's position; return them and the snapshot moved behind them."""
    if snapshot.position is None:
        return [], snapshot
    parameters = (
        entities_parameters(entities) | selection.parameters | {"size": snapshot.size, "newest": list(snapshot.newest)}
    )
    parameters |= zip(("after_absent", "after_iter", "after_seq", "after_task"), snapshot.position, strict=False)
    sql = fill(PAGE_SQL, _texts(selection) | {"$after": AFTER if snapshot.position else "1"})
    if snapshot.position:
        rows = await context.store.read(sql, parameters)
    else:  # the page that dashboards ask for again and again
        rows = await context.caches.responses.rows(sql, parameters, entities, selection.event_type)
    is_last = not rows or rows[0]["page_size"] < snapshot.size
    # Once all is delivered only the total is needed, however many entities there are.
    return rows, replace(
        snapshot, newest=() if is_last else snapshot.newest, position=None if is_last else tuple(rows[0]["page_end"])
    )


def _texts(selection: Selection) -> dict[str, str]:
    newest = fill(NEWEST_ITERATIONS, {"$group": selection.newest_of}) if selection.newest_of else ""
    return {
        "$table": TABLES[selection.event_type].name,
        "$columns": document_columns(selection.event_type),
        "$newest_iterations": newest,
        "$condition": selection.condition,
        "$kept": fill(KEPT, {"$each": selection.kept_of}) if selection.kept_of else "",
        "$written": IN_SNAPSHOT_SQL,
    }
