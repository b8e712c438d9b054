"""TCP connections: how many may be open, and which are closed.

A connection is idle while no request of it is under way. Where there are too many, of one address or of all, the
longest idle ones are closed for a new one; only if every one of them works is the new one refused.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from schema.http.client_address import Proxies
from schema.metrics import CONNECTION_LIMIT, CONNECTIONS

KEEPALIVE_SECONDS = 75.0
LINGER_SECONDS = 5.0  # for a client that still sends to read why its body is refused
STALLED_SECONDS = 60.0  # without a byte of an answer taken
SWEEP_SECONDS = 1.0
EVICTED_SHARE = 10  # of the idle connections a tenth at once, so that not every new one looks at all of them
MAX_DESCRIPTORS = 65_536  # no more are asked for

logger = logging.getLogger("eventide.connections")


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of connections: of a process, of one address, and seconds until a new one has sent a request's head."""

    total: int
    per_address: int
    header_seconds: float


class Connection(web.RequestHandler):
    """A connection that knows since when it waits for the head of a request."""

    __slots__ = (
        "_forget",
        "_stalled_bytes",
        "_stalled_since",
        "address",
        "on_lost",
        "opening",
        "touched",
        "waiting_since",
    )

    def __init__(self, server: web.Server, address: str, forget: Callable[[Connection], None]) -> None:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,  # a body would be a thousand times its size before it could be refused
            "keepalive_timeout": KEEPALIVE_SECONDS,
            "lingering_time": LINGER_SECONDS,
        }
        super().__init__(server, loop=loop, **options)
        self.address, self._forget = address, forget
        self.opening: asyncio.Task[Any] | None = None
        self.on_lost: Callable[[], None] | None = None  # called when it is closed
        self.touched = loop.time()
        self.waiting_since: float | None = self.touched
        self._stalled_bytes, self._stalled_since = 0, self.touched

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return not (self._request_in_progress or self._messages)

    @property
    def idle_since(self) -> float:
        """The time since when it is idle, in seconds of the loop's clock."""
        return self.touched if self.waiting_since is None else self.waiting_since

    def data_received(self, data: bytes) -> None:
        """Parse what has come; from the first byte of a head on, its time runs."""
        super().data_received(data)
        if not self.is_idle:
            self.touched, self.waiting_since = self._loop.time(), None
        elif data and self.waiting_since is None:
            self.waiting_since = self._loop.time()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the table, and tell whoever works for the client."""
        self._forget(self)
        if self.on_lost:
            self.on_lost()
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is not HTTP.

        aiohttp's own answer would name its version and repeat the headers.
        """
        if status >= 500:
            logger.error("unexpected error outside of a call", exc_info=exc)
        if request.writer.output_size:
            raise ConnectionError("the answer has begun")
        text = "Bad Request\n" if status < 500 else "Internal Server Error\n"
        headers = {"Server": "clearml", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        response = web.Response(status=status, text=text, headers=headers)
        response.force_close()
        return response

    def is_overdue(self, now: float, header_seconds: float) -> bool:
        """Tell whether the head of a request takes too long, or the client takes nothing of an answer."""
        if self.is_idle and self.waiting_since is not None and now - self.waiting_since > header_seconds:
            return True
        waiting = self.transport.get_write_buffer_size() if self.transport else 0
        if not waiting or waiting != self._stalled_bytes:
            self._stalled_bytes, self._stalled_since = waiting, now
        return now - self._stalled_since > STALLED_SECONDS

    def abort(self) -> None:
        """Close at once, also while the connection is being opened."""
        self._forget(self)
        if self.transport is not None:
            self.transport.abort()
        elif self.opening is not None:
            self.opening.cancel()


class ConnectionTable:
    """The open connections of a process."""

    def __init__(self, limits: ConnectionLimits, proxies: Proxies) -> None:
        self.limits, self._proxies = limits, proxies
        self._open: set[Connection] = set()
        self._by_address: dict[str, set[Connection]] = {}
        CONNECTIONS.follow(self, len)
        CONNECTION_LIMIT.follow(self, lambda table: table.limits.total)

    def __len__(self) -> int:
        return len(self._open)

    def open(self, server: web.Server, peer: str) -> Connection | None:
        """Add a new connection, closing idle ones for it if need be; None if there is no room."""
        address = "" if self._proxies.is_proxy(peer) else self._proxies.client(peer, {})
        own = self._by_address.get(address, set())
        if address and len(own) >= self.limits.per_address and not self.evict(own):
            return None
        if len(self._open) >= self.limits.total and not self.evict(self._open):
            return None
        connection = Connection(server, address, self._forget)
        self._open.add(connection)
        self._by_address.setdefault(address, set()).add(connection)
        return connection

    def evict(self, candidates: Collection[Connection] | None = None) -> int:
        """Close the longest idle of some connections, or of all; return how many.

        Those that have not sent a request's head go first.
        """
        idle = [connection for connection in (self._open if candidates is None else candidates) if connection.is_idle]
        idle.sort(key=lambda connection: (connection.waiting_since is None, connection.idle_since))
        evicted = idle[: len(idle) // EVICTED_SHARE + 1]
        for connection in evicted:
            connection.abort()
        return len(evicted)

    def sweep(self, now: float) -> None:
        """Close the connections whose time is over."""
        overdue = [connection for connection in self._open if connection.is_overdue(now, self.limits.header_seconds)]
        for connection in overdue:
            connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        own = self._by_address.get(connection.address, set())
        own.discard(connection)
        if not own:
            self._by_address.pop(connection.address, None)


def descriptors() -> int:
    """Return how many file descriptors this process may have, after asking for as many as it can, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
