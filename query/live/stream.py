"""The endpoint ``events.stream``: live updates of some tasks as server-sent events, for as long as the client listens.

A stream begins with ``ready``; then come ``points`` (new scalars, at most CURVE_POINTS a curve, with their range where
several became one), ``change`` (which event types were written) and ``reset`` (what the client has may be wrong, as
events were deleted or points lost their value: read again). Each has an id, from which a stream resumes that is opened
with it as ``Last-Event-ID``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from query.context import QueryContext
from query.live.event_ids import parse_event_id
from query.live.stream_hub import StreamHub
from query.live.subscription import Subscription
from schema.api.requests import Boolean, Request
from schema.api.wire import EVENT_STREAM, Caller, Endpoints, Stream, Tier

HEARTBEAT_SECONDS = 10.0
STREAM_SECONDS = 3600.0  # then the client reconnects, with credentials that are checked again
RETRY_MS = 1000
HEADERS = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}

endpoints = Endpoints(Tier.QUERY)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class EventsStream(Request):
    """The tasks to follow (the parameter may repeat), and whether to send the points of their curves."""

    task: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1, max_length=100)]
    points: Boolean = True
    model_events: Boolean = False


@dataclass(frozen=True)
class Streams:
    """The service of ``events.stream``: the context of reads, and the hub of all streams of the process."""

    context: QueryContext
    hub: StreamHub


@endpoints.add("events.stream", "2.34")
async def stream(streams: Streams, caller: Caller, request: EventsStream) -> Stream:
    """Stream ``ready``, ``points``, ``change`` and ``reset`` of some tasks, resumable by their ids."""
    entities = await streams.context.entities(caller, request.task, request.model_events)
    positions = parse_event_id(caller.last_event_id, [entity.id for entity in entities])
    subscription = await streams.hub.subscribe(caller, entities, request.points, positions)
    return Stream(_chunks(subscription), HEADERS, lambda: streams.hub.unsubscribe(subscription))


async def _chunks(subscription: Subscription) -> AsyncIterator[bytes]:
    end = time.monotonic() + STREAM_SECONDS
    yield f"retry: {RETRY_MS}\n\n".encode()
    while time.monotonic() < end:
        told = await subscription.receive(HEARTBEAT_SECONDS)
        if subscription.is_closed:
            return
        yield told or b": nothing new\n\n"
