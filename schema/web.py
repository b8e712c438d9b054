"""aiohttp glue: one route over the endpoint table. Alone turns a request into a Call and an error into a response."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

import cramjam
from aiohttp import StreamReader, web
from prometheus_client import Counter, Histogram

from schema import openapi
from schema.auth import Authenticator
from schema.errors import (
    BodyTooLarge,
    ClientGone,
    EncodedBody,
    EventsError,
    InvalidField,
    MalformedRequest,
    RequestError,
    Unavailable,
)
from schema.health import Health, add_health_routes
from schema.jsonlog import request_id
from schema.metrics import REQUEST_SECONDS, REQUESTS
from schema.requests import ARROW_STREAM, JSON_LINES, EventBatch, Request, first_of, media_type, merge_pairs, parse_json
from schema.site import Site
from schema.waiting import check_waiting, connection
from schema.wire import Answer, Call, Endpoint, Endpoints, Reply, Stream, to_json

URLENCODED = "application/x-www-form-urlencoded"
FORMS = (URLENCODED, "multipart/form-data")
BODY_SECONDS = 300
COMPRESS_FROM_BYTES = 500
COMPRESS_IN_THREAD_FROM_BYTES = 1 << 18
ENCODERS = {"zstd": cramjam.zstd.compress, "gzip": cramjam.gzip.compress, "deflate": cramjam.zlib.compress}
REFUSED = re.compile(r"q=0(\.0*)?")  # of an encoding
PLAIN_ERRORS = (BodyTooLarge, EncodedBody)
COOKIE_SECONDS = 99_999_999_999

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


class Room:
    """Bounds the memory of a process whose Kafka or ClickHouse is slow: what does not fit is asked to come again."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._taken_bytes = 0

    @contextmanager
    def take(self, size_bytes: int) -> Iterator[None]:
        """Hold room for a body. Raises Unavailable if there is none; a body alone always fits."""
        if self._taken_bytes and self._taken_bytes + size_bytes > self._limit_bytes:
            raise Unavailable("Too many requests at once")
        self._taken_bytes += size_bytes
        try:
            yield
        finally:
            self._taken_bytes -= size_bytes


class Dispatcher:
    """Every call, in the order of section 1.4: encoding, path, endpoint, caller, body, fields, handler."""

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
            parameters = await _read_parameters(request, endpoint)
            check_waiting()
            answer = await endpoint.handler(caller, parameters)
        if isinstance(answer, Stream):
            return await _stream(request, answer)
        return await _envelope(call, request, answer)


@lru_cache(1024)
def _metrics_of(name: str, status: int) -> tuple[Counter, Histogram]:
    """To look a label up takes longer than to count."""
    return REQUESTS.labels(name, status), REQUEST_SECONDS.labels(name)


def _cookies(request: web.Request) -> Mapping[str, str]:
    """Those of the request; few programs send any, and aiohttp makes a parser first."""
    return request.cookies if "Cookie" in request.headers else {}


async def _read_parameters(request: web.Request, endpoint: Endpoint) -> Request:
    """The endpoint's request from body, query string and form. Raises RequestError."""
    content_type = media_type(request.headers.get("Content-Type"))
    if content_type in (JSON_LINES, ARROW_STREAM):
        body = await _read_body(request)
        if not endpoint.is_batch:
            raise InvalidField(f"{endpoint.name} does not take {content_type}")
        return EventBatch(body=body, media_type=content_type)
    parameters = parse_json(await _read_body(request)) if content_type not in FORMS else {}
    parameters = merge_pairs(parameters, request.query.items())
    if content_type in FORMS:
        parameters = merge_pairs(parameters, await _read_form(request))
    return EventBatch(event=parameters) if endpoint.is_batch else endpoint.request.read(parameters)


async def _read_form(request: web.Request) -> list[tuple[str, str]]:
    """The texts of a form. Raises MalformedRequest, and what ``_read_body`` raises."""
    try:
        if request.content_type == URLENCODED:  # of any method; aiohttp reads forms of some
            charset = request.charset or "utf-8"
            return parse_qsl((await _read_body(request)).decode(charset), True, encoding=charset)
        return [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
    except web.HTTPRequestEntityTooLarge as error:
        raise BodyTooLarge(f"The form exceeds {request.client_max_size} bytes") from error
    except (ValueError, LookupError, AssertionError) as error:
        raise MalformedRequest(f"Invalid form: {error}") from error


async def _read_body(request: web.Request) -> bytes:
    limit = request.client_max_size
    if limit and (request.content_length or 0) > limit:
        raise BodyTooLarge(f"The body exceeds {limit} bytes")
    try:
        if request.content.is_eof():  # it is here already
            return await _received(request.content, limit)
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(request.content, limit)
    except TimeoutError as error:
        raise MalformedRequest(f"The body did not arrive within {BODY_SECONDS} seconds") from error
    except ConnectionError as error:
        raise ClientGone("The client left before the end of the body") from error


async def _received(content: StreamReader, limit: int) -> bytes:
    """All that comes, joined once: aiohttp's own ``read`` moves a large body several times while it grows."""
    content.set_read_chunk_size(limit)
    chunks: list[bytes] = []
    size = 0
    while chunk := await content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if limit and size > limit:
            raise BodyTooLarge(f"The body exceeds {limit} bytes")
    return b"".join(chunks)


def error_response(call: Call, error: EventsError) -> web.Response:
    """The one place where an error becomes a response. Texts of the server's own faults stay inside."""
    if not isinstance(error, RequestError):
        logger.error("%s: %s", call.name, error, exc_info=not isinstance(error, Unavailable))
    if isinstance(error, PLAIN_ERRORS):
        response = web.Response(status=error.code, text=str(error))
        response.force_close()  # the body was not read
        return response
    response = web.Response(status=error.code, body=call.envelope(b"{}", error), content_type="application/json")
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


async def _envelope(call: Call, request: web.Request, answer: Answer | Reply) -> web.Response:
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    body = call.envelope(to_json(reply.data) if reply.raw_data is None else reply.raw_data)
    response = web.Response(content_type="application/json")
    response.body = await _compressed(body, request, response)
    for name, value in reply.cookies.items():
        if value is None:
            response.del_cookie(name, path="/")
        else:
            response.set_cookie(name, value, httponly=True, samesite="Lax", path="/", max_age=COOKIE_SECONDS)
    return response


async def _compressed(body: bytes, request: web.Request, response: web.Response) -> bytes:
    """The body as the client accepts it, if it is worth it."""
    if len(body) < COMPRESS_FROM_BYTES:
        return body
    accepted = request.headers.get("Accept-Encoding", "")
    encoding = next((name for name in ENCODERS if name in _named(accepted)), None)
    if encoding is None:
        return body
    response.headers["Content-Encoding"] = encoding
    if len(body) < COMPRESS_IN_THREAD_FROM_BYTES:
        return bytes(ENCODERS[encoding](body, level=3))
    return bytes(await asyncio.to_thread(ENCODERS[encoding], body, level=3))


@lru_cache(100)
def _named(accepted: str) -> frozenset[str]:
    """What an Accept-Encoding header names, but for what it refuses."""
    parts = [part.replace(" ", "").partition(";") for part in accepted.split(",")]
    return frozenset(name for name, _, weight in parts if not REFUSED.fullmatch(weight))


async def _stream(request: web.Request, stream: Stream) -> web.StreamResponse:
    response = web.StreamResponse(headers=stream.headers)
    try:
        await response.prepare(request)
        async for chunk in stream.chunks:
            await response.write(chunk)
        await response.write_eof()
    except ConnectionError:
        logger.debug("the client left before the end of a stream")
    finally:
        stream.ended()
    return response


async def add_common_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What every response of Eventide's says."""
    response.headers["Server"] = "clearml"
    response.headers["Vary"] = "Accept-Encoding, Origin"
    if origin := request.headers.get("Origin"):
        response.headers.update(_cross_origin(origin, request.headers))
    if "X-Clearml-Client" in request.headers:
        close_connection(response)  # the SDK shares its sockets with the reporter that it forks


def close_connection(response: web.StreamResponse) -> None:
    """End the connection after this response, and say so. For responses whose headers are being prepared."""
    response.force_close()
    response.headers["Connection"] = "close"


def _cross_origin(origin: str, headers: Mapping[str, str]) -> dict[str, str]:
    """All origins, with credentials (section 1.9)."""
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": headers.get("Access-Control-Request-Headers", "*"),
        "Access-Control-Max-Age": "600",
    }
