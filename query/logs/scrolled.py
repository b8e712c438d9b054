"""``get_task_log`` before version 2.9: scrolls over a snapshot of a console log (section 3.10)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from query.cursor import END
from query.logs.snapshot import Order, next_page, take_snapshot
from query.paging import MAX_PAGE, Snapshot
from query.reader import Reader
from query.scrolls import scroll_state
from schema.registry import Entity
from schema.requests import Integer, Request
from schema.wire import Answer, Caller, Endpoints, Tier

SCROLL = "get_task_log"

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
        snapshot = await take_snapshot(reader, task, min(request.batch_size, MAX_PAGE))
    page, following = await next_page(reader, task, snapshot, direction)
    scroll_id = reader.cursors.make(endpoint, caller, [task.id], following.state()) if page else END
    return {"events": page.documents(), "returned": len(page), "total": snapshot.total, "scroll_id": scroll_id}
