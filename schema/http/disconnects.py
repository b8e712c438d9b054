"""Disconnects: whether the client of a request still waits for its answer.

A client that gave up has asked again elsewhere: to do the first attempt late may undo what was done since. A gateway
that was paused finds such attempts in its sockets.
"""

from __future__ import annotations

import asyncio
import select

CLOSED_BY_PEER = getattr(select, "POLLRDHUP", 0)  # other systems than Linux know only what asyncio has seen


def is_disconnected(transport: asyncio.BaseTransport | None) -> bool:
    """Tell whether the client has closed its connection, even if asyncio did not come to see it yet."""
    return transport is None or transport.is_closing() or _is_closed_by_peer(transport)


def _is_closed_by_peer(transport: asyncio.BaseTransport) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket"), CLOSED_BY_PEER)
    return any(events & CLOSED_BY_PEER for _, events in poll.poll(0))
