"""The life of a process: an HTTP server, and a clean end on SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from aiohttp import web

from deploy import components, tls
from schema.build import publish_build
from schema.errors import ConfigError
from schema.fairness.thread_switching import switch_threads
from schema.http.connections import ConnectionTable
from schema.http.forms import ignore_odd_names
from schema.http.health import Health
from schema.http.listener import Listener, bind
from schema.loop_delay import watch_loop
from schema.settings import Settings

if TYPE_CHECKING:
    from schema.http.server_certificate import ServerCertificate

BACKLOG = 1024
logger = logging.getLogger("eventide.serve")


async def start(
    app: web.Application,
    settings: Settings,
    port: int,
    connections: ConnectionTable | None = None,
    certificate: ServerCertificate | None = None,
) -> tuple[web.AppRunner, int]:
    """Listen; return the runner to clean up, and the port.

    ``port``: another one than the settings'. ``connections``, ``certificate``: those of the process, if it listens on
    several ports. Raises ConfigError if the address cannot be had, and for a certificate that cannot be used.
    """
    switch_threads(are_shared=False)
    ignore_odd_names()
    certificate = certificate or tls.server_certificate(settings)
    runner = web.AppRunner(app, shutdown_timeout=settings.drain_seconds)
    await runner.setup()
    try:
        table = connections or components.connections(settings)
        listener = Listener(runner, table, await bind(settings.host, port, BACKLOG), certificate)
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"Cannot listen on {settings.host}:{port}: {error.strerror}") from error
    await listener.start()
    if certificate:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, certificate.reload)
    security = ", TLS" if certificate else ""
    logger.info("eventide %s listens on %s:%d%s", publish_build(), settings.host, listener.port, security)
    return runner, listener.port


async def serve(app: web.Application, health: Health, settings: Settings, port: int) -> None:
    """Listen until stopped; then running requests get ``drain_seconds`` to end."""
    watch_loop()
    runner, _ = await start(app, settings, port)
    await until_stopped(health)
    await runner.cleanup()


async def until_stopped(health: Health) -> None:
    """Wait for SIGTERM or SIGINT; from then on the process is not ready."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    health.is_draining = True
