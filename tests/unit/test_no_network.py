"""The fixture that keeps unit tests off the network does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import urllib.request
from collections.abc import Callable

import pytest

from tests.harness.network import NetworkUsed, closed_network

HERE = ("127.0.0.1", 9)


async def serve() -> None:
    await asyncio.start_server(lambda *_: None, *HERE)


USES: dict[str, Callable[[], object]] = {
    "connect": lambda: socket.socket().connect(HERE),
    "connect_ex": lambda: socket.socket().connect_ex(HERE),
    "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", HERE),
    "look-up": lambda: urllib.request.urlopen("http://example.org", timeout=1),
    "server": lambda: asyncio.run(serve()),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_every_use_is_refused(use: Callable[[], object]) -> None:
    with pytest.raises(NetworkUsed), closed_network():
        use()


def test_a_refusal_that_was_swallowed_is_found() -> None:
    with pytest.raises(AssertionError, match="swallowed"), closed_network(), contextlib.suppress(BaseException):
        socket.create_connection(HERE)


def test_no_use_is_no_fault() -> None:
    with closed_network():
        asyncio.run(asyncio.sleep(0))
