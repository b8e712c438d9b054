"""The routes ``/healthz`` (alive and making progress), ``/readyz`` (able to serve now) and ``/metrics``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schema.errors import EventsError

Check = Callable[[], Awaitable[None]]  # raises EventsError, whose text is the reason


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

    async def healthz(_: web.Request) -> web.Response:
        return await _report(health.alive, {}, {})

    async def readyz(_: web.Request) -> web.Response:
        return await _report(health.ready, {"draining": "draining"} if health.is_draining else {}, health.details)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def _report(
    checks: Mapping[str, Check], failures: dict[str, str], details: Mapping[str, Callable[[], str]]
) -> web.Response:
    for name, check in checks.items():
        try:
            await check()
        except EventsError as error:
            failures[name] = str(error)
    texts = {name: detail() for name, detail in details.items()}
    report = {"ok": not failures, "failures": failures} | ({"details": texts} if texts else {})
    return web.json_response(report, status=503 if failures else 200)
