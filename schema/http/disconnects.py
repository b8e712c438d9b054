"""Disconnects: whether the client of a request still waits for its answer.

A client that gave up has asked again elsewhere: to do the first attempt late may undo what was done since. A gateway
that was paused finds such attempts in its sockets.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from schema.errors import ClientGone
from schema.http.connections import Connection

CLOSED_BY_PEER = getattr(select, "POLLRDHUP", 0)  # other systems than Linux know only what asyncio has seen


def is_disconnected(transport: asyncio.BaseTransport | None) -> bool:
    """Tell whether the client has closed its connection, even if asyncio did not come to see it yet."""
    return transport is None or transport.is_closing() or _is_closed_by_peer(transport)


@contextmanager
def cancelled_without_client(request: web.Request) -> Iterator[None]:
    """Cancel what is awaited inside once the client closes its connection, and raise ClientGone.

    For what changes nothing: nobody reads its result.
    """
    connection, task, left = request.protocol, asyncio.current_task(), False
    assert task

    def cancel() -> None:
        nonlocal left
        left = True
        task.cancel()

    if not isinstance(connection, Connection):  # of another listener than our own
        yield
        return
    connection.on_lost = cancel
    try:
        yield
    except asyncio.CancelledError:
        if not left:
            raise
        task.uncancel()
        raise ClientGone("The client has closed its connection") from None
    finally:
        connection.on_lost = None


def _is_closed_by_peer(transport: asyncio.BaseTransport) -> bool:
    poll = select.poll()
    poll.register(transport.get_extra_info("socket"), CLOSED_BY_PEER)
    return any(events & CLOSED_BY_PEER for _, events in poll.poll(0))
