"""The life of a process: an HTTP server, and a clean end on SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal

from aiohttp import web

from deploy import components
from schema.build import publish_build
from schema.errors import ConfigError
from schema.http.connections import ConnectionTable
from schema.http.forms import ignore_odd_names
from schema.http.health import Health
from schema.http.listener import Listener, bind
from schema.settings import Settings

BACKLOG = 1024
logger = logging.getLogger("eventide.serve")


async def start(
    app: web.Application, settings: Settings, port: int, connections: ConnectionTable | None = None
) -> tuple[web.AppRunner, int]:
    """Listen; return the runner to clean up, and the port.

    ``port``: another one than the settings'. ``connections``: those of the process, if it listens on several ports.
    Raises ConfigError if the address cannot be had.
    """
    ignore_odd_names()
    runner = web.AppRunner(app, shutdown_timeout=settings.drain_seconds)
    await runner.setup()
    try:
        table = connections or components.connections(settings)
        listener = Listener(runner, table, await bind(settings.host, port, BACKLOG))
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"Cannot listen on {settings.host}:{port}: {error.strerror}") from error
    await listener.start()
    logger.info("eventide %s listens on %s:%d", publish_build(), settings.host, listener.port)
    return runner, listener.port


async def serve(app: web.Application, health: Health, settings: Settings, port: int) -> None:
    """Listen until stopped; then running requests get ``drain_seconds`` to end."""
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
