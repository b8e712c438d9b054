"""``events.get_new_task_log``: lines of a console log in the order in which they were written, Eventide's own.

Timestamps are the clients': those of two processes interleave, and a clock may be an hour ahead. Who follows a log by
them misses lines. Here a position in the order of arrival says what is new: ``arrived``, a line's ``seq`` unless it was
parked and came again later.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from query.context import QueryContext
from query.logs.log_reader import LINE_COLUMNS, LogReader
from query.logs.task_log import LineFilter, chosen
from query.pagination.paging import PageSize
from schema.api.requests import Boolean
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.store.tombstone_filters import OF_ENTITY_SQL

NEWEST_SQL = f"SELECT max(arrived) AS position FROM logs WHERE {OF_ENTITY_SQL}"
# A line that was written again is no new one: its copies share timestamp, batch and number.
NEW_SQL = f"""
SELECT {LINE_COLUMNS}, arrived FROM logs
WHERE {OF_ENTITY_SQL} AND $living AND $filter AND arrived > {{after:UInt64}} AND (timestamp, batch_id, line) NOT IN
(
    SELECT timestamp, batch_id, line FROM logs WHERE {OF_ENTITY_SQL} AND arrived <= {{after:UInt64}} AND timestamp IN
    (SELECT timestamp FROM logs WHERE {OF_ENTITY_SQL} AND arrived > {{after:UInt64}})
)
ORDER BY arrived LIMIT 1 BY timestamp, batch_id, line LIMIT {{size:UInt32}}
"""

endpoints = Endpoints(Tier.QUERY)


class GetNewTaskLog(LineFilter):
    """The lines that were written after a position; without one, none: only where the log ends now."""

    task: str
    after: Annotated[str, Field(pattern=r"^\d{0,19}$")] = ""
    batch_size: PageSize = 5000
    model_events: Boolean = False


@endpoints.add("events.get_new_task_log", "2.34")
async def get_new_task_log(context: QueryContext, caller: Caller, request: GetNewTaskLog) -> Answer:
    """``{events, returned, position}``: in the order of writing, and where to go on."""
    task = await context.entity(caller, request.task, request.model_events)
    lines = LogReader(context.store, task).living(await context.caches.entity_index.tombstone_filter(task))
    if not request.after:
        (newest,) = await lines.read(NEWEST_SQL)
        return {"events": [], "returned": 0, "position": str(newest["position"])}
    size, after = request.batch_size, int(request.after)
    page = await chosen(lines, request).read_page(NEW_SQL, after=after, size=size)
    events = page.documents()
    return {"events": events, "returned": len(events), "position": str(max([after, *page.columns["arrived"]]))}
