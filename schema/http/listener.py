"""Listening sockets: each connection that arrives has to be admitted by the table before it costs anything."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from schema.http.connections import SWEEP_SECONDS, Connection, ConnectionTable

if TYPE_CHECKING:  # its libraries take time to import, and most processes show no certificate
    from schema.http.server_certificate import ServerCertificate

ACCEPTED_AT_ONCE = 64  # then the event loop runs other tasks
PAUSE_SECONDS = 0.1  # when there are no descriptors
LOG_SECONDS = 60.0
BYE_SECONDS = 5.0  # for a client to say that it has heard the end of a TLS connection
EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: clearml\r\nRetry-After: 2\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)

logger = logging.getLogger("eventide.connections")


class Listener(web.BaseSite):
    """A site of aiohttp's over sockets of its own; with a certificate it speaks TLS.

    asyncio's accepts without asking, and, once there are no file descriptors, logs a traceback for each connection that
    it cannot accept.
    """

    __slots__ = ("_certificate", "_logged", "_sockets", "_sweeping", "_table")

    def __init__(
        self,
        runner: web.BaseRunner,
        table: ConnectionTable,
        sockets: list[socket.socket],
        certificate: ServerCertificate | None = None,
    ) -> None:
        super().__init__(runner)
        self._table, self._sockets, self._certificate = table, sockets, certificate
        self._sweeping: asyncio.TimerHandle | None = None
        self._logged = float("-inf")

    @property
    def name(self) -> str:
        """The first address."""
        host, port, *_ = self._sockets[0].getsockname()
        return f"{'https' if self._certificate else 'http'}://{host}:{port}"

    @property
    def port(self) -> int:
        """The port of the first address."""
        return int(self._sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Accept connections from now on."""
        await super().start()
        for listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)
        self._sweep()

    async def stop(self) -> None:
        """Accept no more connections; the runner closes those that are open."""
        if self._sweeping:
            self._sweeping.cancel()
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        await super().stop()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._table.sweep(loop.time())
        if self._certificate:
            self._certificate.refresh(loop.time())
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    raise
                self._pause(listening, error)
                return
            accepted.setblocking(False)
            self._admit(accepted, str(peer[0]))

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        assert self._runner.server
        connection = self._table.open(self._runner.server, peer)
        if connection is None:
            self._refuse(accepted)
        else:
            opening = self._open(connection, accepted)
            connection.opening = asyncio.get_running_loop().create_task(opening)

    async def _open(self, connection: Connection, accepted: socket.socket) -> None:
        options: dict[str, Any] = {}
        if self._certificate:
            seconds = {"ssl_handshake_timeout": self._table.limits.header_seconds, "ssl_shutdown_timeout": BYE_SECONDS}
            options = {"ssl": self._certificate.context, **seconds}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, accepted, **options)
        except (OSError, ssl.SSLError, asyncio.CancelledError) as error:  # cancelled: evicted amid its handshake
            logger.debug("a connection was not opened: %r", error)
            connection.abort()
        finally:
            connection.opening = None

    def _refuse(self, accepted: socket.socket) -> None:
        with suppress(OSError):
            if not self._certificate:
                accepted.send(REFUSAL)
        accepted.close()

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        """Free descriptors, and go on a little later: the socket would be ready again at once, and again."""
        loop = asyncio.get_running_loop()
        evicted = self._table.evict()
        if loop.time() - self._logged > LOG_SECONDS:
            self._logged = loop.time()
            logger.error("cannot accept connections: %s; %d idle ones closed", error.strerror, evicted)
        loop.remove_reader(listening)
        loop.call_later(PAUSE_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)


async def bind(host: str, port: int, backlog: int) -> list[socket.socket]:
    """Return listening sockets of every address of a host. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            sockets.append(socket.create_server(address[:2], family=family, backlog=backlog))
            sockets[-1].setblocking(False)
    except OSError:
        for made in sockets:
            made.close()
        raise
    return sockets
