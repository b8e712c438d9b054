"""aiohttp glue: one route over the endpoint table, from a request to its response."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web
from prometheus_client import Counter, Histogram

from schema.api import openapi
from schema.api.requests import first_of
from schema.api.wire import Call, Endpoints, Stream
from schema.errors import EncodedBody, EventsError
from schema.http.auth import Authenticator
from schema.http.bodies import Room, read_parameters
from schema.http.disconnects import check_connected, connection
from schema.http.health import Health, add_health_routes
from schema.http.responses import add_common_headers, enveloped, error_response, streamed
from schema.http.static_site import Site
from schema.json_logging import request_id
from schema.metrics import REQUEST_SECONDS, REQUESTS

logger = logging.getLogger("eventide.web")


@dataclass(frozen=True)
class Limits:
    """Bytes of one request's body, and of all bodies that a process works on at once."""

    body_bytes: int
    inflight_bytes: int


def create_app(
    endpoints: Endpoints,
    authenticator: Authenticator,
    health: Health,
    limits: Limits,
    described: Callable[[], Endpoints],
    site: Site | None = None,
) -> web.Application:
    """The HTTP application of one process.

    ``endpoints``: what it answers, bound to their services. ``described``: tells what ``/openapi.json`` and ``/docs``
    list, the calls of all tiers, once somebody asks. ``site``: what people see at ``/``.
    """
    app = web.Application(client_max_size=limits.body_bytes)
    add_health_routes(app, health)
    _add_description_routes(app, described)
    dispatcher = Dispatcher(endpoints, authenticator, limits)
    if site:
        site.add_routes(app, dispatcher.handle)
    app.router.add_route("*", "/{path:.*}", dispatcher.handle)
    app.on_response_prepare.append(add_common_headers)
    return app


def _add_description_routes(app: web.Application, described: Callable[[], Endpoints]) -> None:
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

    async def openapi_json(_: web.Request) -> web.Response:
        return web.json_response(openapi.document(await asyncio.to_thread(described)))

    async def docs(_: web.Request) -> web.Response:
        page = openapi.page(await asyncio.to_thread(described))
        return web.Response(text=page, content_type="text/html", headers=policy)

    app.router.add_get("/openapi.json", openapi_json)
    app.router.add_get("/docs", docs)


class Dispatcher:
    """Every call, in the order of API contract 1.4: encoding, path, endpoint, caller, body, fields, handler."""

    def __init__(self, endpoints: Endpoints, authenticator: Authenticator, limits: Limits) -> None:
        self._endpoints = endpoints
        self._authenticator = authenticator
        self._room = Room(limits.inflight_bytes)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The response to any request; never raises but for cancellation."""
        if request.method == "OPTIONS":
            return web.Response()
        started = time.perf_counter()
        call = Call(trx=first_of(request.headers, "X-Clearml-Trx", "X-Trains-Trx") or "")
        request_id.set(call.id)
        connection.set(request.transport)
        try:
            response = await self._answer(call, request)
        except EventsError as error:
            response = error_response(call, error)
        except Exception:
            logger.exception("unexpected error in %s", call.name)
            response = error_response(call, EventsError("Internal error"))
        name = call.endpoint.name if call.endpoint else "unknown"
        answered, seconds = _metrics_of(name, response.status)
        answered.inc()
        seconds.observe(time.perf_counter() - started)
        return response

    async def _answer(self, call: Call, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Content-Encoding"):
            raise EncodedBody("Content-Encoding is not supported")
        call.parse(request.rel_url.raw_path)
        endpoint = call.resolve(self._endpoints)
        caller = await self._authenticator.caller(request.headers, _cookies(request), endpoint.access)
        with self._room.take(request.content_length or 0):
            parameters = await read_parameters(request, endpoint)
            check_connected()
            answer = await endpoint.handler(caller, parameters)
        if isinstance(answer, Stream):
            return await streamed(request, answer)
        return await enveloped(call, request, answer)


@lru_cache(1024)
def _metrics_of(name: str, status: int) -> tuple[Counter, Histogram]:
    """To look a label up takes longer than to count."""
    return REQUESTS.labels(name, status), REQUEST_SECONDS.labels(name)


def _cookies(request: web.Request) -> Mapping[str, str]:
    """Those of the request; few programs send any, and aiohttp makes a parser first."""
    return request.cookies if "Cookie" in request.headers else {}
