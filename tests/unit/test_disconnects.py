"""A client that has left is known to have left, whatever asyncio has seen of it."""

from __future__ import annotations

import asyncio
import socket

import pytest

from schema.errors import ClientGone
from schema.http.disconnects import check_connected, connection


def test_who_left_is_known_before_asyncio_reads_it() -> None:
    asyncio.run(_leave())


async def _leave() -> None:
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, ours)
    connection.set(transport)
    check_connected()
    theirs.sendall(b"not read yet")
    check_connected()
    theirs.close()
    with pytest.raises(ClientGone):
        check_connected()
    transport.close()
    with pytest.raises(ClientGone):
        check_connected()


def test_work_without_a_request_has_nobody_to_wait_for() -> None:
    check_connected()
