"""The endpoint ``get_task_log`` before version 2.9: snapshot scrolls over a console log (API contract 3.10)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from query.context import QueryContext
from query.logs.snapshot import Order, next_page, take_snapshot
from query.pagination.cursor import END
from query.pagination.paging import MAX_PAGE, Snapshot
from query.snapshot_scroll import scroll_state
from schema.api.requests import Integer, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import Entity

SCROLL = "get_task_log"

endpoints = Endpoints(Tier.QUERY)


class GetTaskLogV1(Request):
    """A snapshot scroll over a task's lines."""

    task: str
    order: Order = "desc"
    batch_size: Annotated[Integer, Field(ge=1)] = 500
    scroll_id: str = ""


class GetTaskLogV17(GetTaskLogV1):
    """A snapshot scroll over a task's lines, from either end."""

    from_: str = Field("head", alias="from")


@endpoints.add("events.get_task_log", "1.0")
async def get_task_log_v1(context: QueryContext, caller: Caller, request: GetTaskLogV1) -> Answer:
    """Return lines by timestamp, newest first unless ``order`` says otherwise."""
    task = await context.entity(caller, request.task)
    return await _scroll(context, caller, task, request, request.order)


@endpoints.add("events.get_task_log", "1.7")
async def get_task_log_v17(context: QueryContext, caller: Caller, request: GetTaskLogV17) -> Answer:
    """Return a page from the head or the tail of the log, turned to ``order``."""
    task = await context.entity(caller, request.task)
    direction: Order = "asc" if request.from_ in ("head", "") else "desc"
    answer = await _scroll(context, caller, task, request, direction)
    if direction != request.order:
        answer["events"].reverse()
    return answer


async def _scroll(
    context: QueryContext, caller: Caller, task: Entity, request: GetTaskLogV1, direction: Order
) -> dict[str, Any]:
    """Return the next page of a snapshot scroll in ``direction``."""
    if request.scroll_id == END:
        return {"events": [], "returned": 0, "total": 0, "scroll_id": END}
    endpoint = f"{SCROLL} {direction}"
    if request.scroll_id:
        snapshot = Snapshot.of(await scroll_state(context, caller, endpoint, [task.id], request.scroll_id))
    else:
        snapshot = await take_snapshot(context, task, min(request.batch_size, MAX_PAGE))
    page, following = await next_page(context, task, snapshot, direction)
    scroll_id = context.cursors.make(endpoint, caller, [task.id], following.state()) if page else END
    return {"events": page.documents(), "returned": len(page), "total": snapshot.total, "scroll_id": scroll_id}
