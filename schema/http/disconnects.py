"""Whether the client of the request under way still waits for its answer.

Who gave up has asked again elsewhere: to do the first attempt late may undo what was done since. A gateway that was
paused finds such attempts in its sockets.
"""

from __future__ import annotations

import asyncio
import select
from contextvars import ContextVar

from schema.errors import ClientGone

CLOSED_BY_PEER = getattr(select, "POLLRDHUP", 0)  # other systems than Linux know only what asyncio has seen

connection: ContextVar[asyncio.BaseTransport | None] = ContextVar("connection", default=None)


def check_connected() -> None:
    """Raises ClientGone if the client has closed its connection, even if asyncio did not come to see it yet."""
    transport = connection.get()
    if transport is not None and (transport.is_closing() or _is_closed_by_peer(transport)):
        raise ClientGone("The client has closed its connection")


def _is_closed_by_peer(transport: asyncio.BaseTransport) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket"), CLOSED_BY_PEER)
    return any(events & CLOSED_BY_PEER for _, events in poll.poll(0))
