"""A client that has left is known to have left, whatever asyncio has seen of it."""

from __future__ import annotations

import asyncio
import socket

from schema.http.disconnects import is_disconnected


def test_a_client_that_left_is_known_before_asyncio_reads_it() -> None:
    asyncio.run(_leave())


async def _leave() -> None:
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, ours)
    assert not is_disconnected(transport)
    theirs.sendall(b"not read yet")
    assert not is_disconnected(transport)
    theirs.close()
    assert is_disconnected(transport)
    transport.close()
    assert is_disconnected(transport)


def test_a_request_that_lost_its_connection_is_disconnected() -> None:
    assert is_disconnected(None)
