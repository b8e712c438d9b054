"""Small requests over many connections, from one thread: threads would take as much of two cores as the server does."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tests.bench.load import Client
from tests.bench.reference import LINES

LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)


def send_small(client: Client, connections: int, bodies: Sequence[bytes]) -> list[float]:
    """Every body once, each over the next free connection of this client; returns the latencies in ms."""
    return asyncio.run(_send(client, connections, [_request(client, body) for body in bodies]))


def _request(client: Client, body: bytes) -> bytes:
    headers = dict(client.headers) | {"Content-Type": LINES, "Content-Length": str(len(body))}
    headers |= {"Host": urlsplit(client.origin).netloc, "Accept-Encoding": "gzip, deflate", "User-Agent": "bench"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /v2.34/events.add_batch HTTP/1.1\r\n{head}\r\n".encode() + body


async def _send(client: Client, connections: int, requests: Sequence[bytes]) -> list[float]:
    rest, latencies = iter(requests), list[float]()
    opened = [Connection(rest, latencies) for _ in range(connections)]
    for connection in opened:
        await _connect(connection, client.origin)
    for connection in opened:
        connection.send()
    await asyncio.gather(*(connection.done for connection in opened))
    return latencies


async def _connect(connection: Connection, origin: str) -> None:
    address = urlsplit(origin)
    assert address.hostname
    assert address.port
    await asyncio.get_running_loop().create_connection(lambda: connection, address.hostname, address.port)


class Connection(asyncio.Protocol):
    """Takes the next of ``requests`` as soon as it has the answer to the last, which must be 200."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._latencies = latencies
        self._transport: asyncio.Transport
        self._answer = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def send(self) -> None:
        """The next request, if there is one."""
        if (request := next(self._requests, None)) is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._answer, self._begun = b"", time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, _, body = self._answer.partition(b"\r\n\r\n")
        length = LENGTH.search(head + b"\r\n")
        if length and len(body) >= int(length[1]):
            assert self._answer.startswith(b"HTTP/1.1 200 "), self._answer[:500]
            self._latencies.append((time.perf_counter() - self._begun) * 1000)
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed before it was answered"))
