"""The routes ``/healthz`` (alive and making progress), ``/readyz`` (able to serve now) and ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schema.errors import EventsError
from schema.metrics import READY

Check = Callable[[], Awaitable[None]]  # raises EventsError, whose text is the reason

Report = tuple[dict[str, str], dict[str, str]]  # failures by check, and details
METRICS_REST = 9  # times as long as they take
READY_SECONDS = 2.0  # that metrics wait for the checks: a process whose checks take longer is not ready


@dataclass
class Health:
    """The checks of a process. ``alive`` must not depend on other services being up.

    ``details``: texts that ``/readyz`` adds to any answer.
    """

    ready: Mapping[str, Check] = field(default_factory=dict)
    alive: Mapping[str, Check] = field(default_factory=dict)
    details: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    is_draining: bool = False


def create_health_app(health: Health) -> web.Application:
    """Create an application of these routes alone."""
    app = web.Application()
    add_health_routes(app, health)
    return app


def add_health_routes(app: web.Application, health: Health) -> None:
    """Add the three routes."""
    probes = Probes(health)
    app.router.add_get("/healthz", probes.healthz)
    app.router.add_get("/readyz", probes.readyz)
    app.router.add_get("/metrics", probes.metrics)


class Probes:
    """The answers to anybody who asks, however often: checks run once at a time, and metrics take a tenth of the time.

    Each check asks other services, and the text of all metrics takes milliseconds of the event loop.
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self._ready: asyncio.Task[Report] | None = None
        self._metrics, self._metrics_until = b"", 0.0

    async def healthz(self, _: web.Request) -> web.Response:
        """Tell whether the process lives and makes progress."""
        return _response(await _report(self._health.alive))

    async def readyz(self, _: web.Request) -> web.Response:
        """Tell whether it can serve now."""
        return _response(await self._readiness())

    async def metrics(self, _: web.Request) -> web.Response:
        """Tell every metric, as it was up to ten times as long ago as it takes to tell."""
        started = time.monotonic()
        if started >= self._metrics_until:
            READY.set(await self._is_ready())
            self._metrics = generate_latest()
            self._metrics_until = time.monotonic() + METRICS_REST * (time.monotonic() - started)
        return web.Response(body=self._metrics, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _is_ready(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                failures, _ = await self._readiness()
                return not failures
        return False

    async def _readiness(self) -> Report:
        """Run the checks. Who asks while they run gets their result."""
        if self._ready is None or self._ready.done():
            self._ready = asyncio.ensure_future(_report(self._health.ready, self._health.details))
        failures, details = await asyncio.shield(self._ready)
        if self._health.is_draining:
            failures = failures | {"draining": "draining"}
        return failures, details


async def _report(checks: Mapping[str, Check], details: Mapping[str, Callable[[], str]] | None = None) -> Report:
    failures = {}
    for name, check in checks.items():
        try:
            await check()
        except EventsError as error:
            failures[name] = str(error)
    return failures, {name: detail() for name, detail in (details or {}).items()}


def _response(report: Report) -> web.Response:
    failures, details = report
    document = {"ok": not failures, "failures": failures} | ({"details": details} if details else {})
    return web.json_response(document, status=503 if failures else 200)
