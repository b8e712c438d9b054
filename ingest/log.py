"""The protocol of the log between gateway and writer. ``ingest/kafka`` and ``ingest/local`` implement it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from schema.events.blocks import Block, Deletion
from schema.events.request_context import RequestContext
from schema.json_logging import request_id
from schema.tracing import traceparent

IsAbandoned = Callable[[], bool]


def never() -> bool:
    """Tell that a write is not abandoned: nobody waits for it who could leave."""
    return False


def current_request() -> RequestContext:
    """Return the request that is being answered, for its records."""
    return RequestContext(request_id.get(), traceparent())


class Log(Protocol):
    """The log that makes accepted writes durable. Every method raises Unavailable if the same may be sent again.

    ``is_abandoned``: whether the client has left; a log that may have waited asks it last, and raises ClientGone rather
    than write what the client has asked for elsewhere since. ``reads_wait``: whether reads wait for what was
    acknowledged, so that nobody need ask for ``visible``.
    """

    reads_wait: bool

    async def publish(self, blocks: Sequence[Block], visible: bool, is_abandoned: IsAbandoned = never) -> None:
        """Return once all blocks are durable, or, if ``visible``, once a read sees them."""

    async def delete(self, deletion: Deletion, is_abandoned: IsAbandoned = never) -> int:
        """Delete in order with the writes around it; return how many events, once no read sees them."""

    async def check(self) -> None:
        """Raise Unavailable while nothing can be published."""
