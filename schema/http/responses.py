"""Answers, streams and errors -> HTTP responses, and the headers that all of them have."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache

from aiohttp import web

from schema.api.wire import Answer, Call, Cookie, Reply, Stream
from schema.errors import BodyTooLarge, EncodedBody, EventsError, RequestError, Unavailable
from schema.fairness.computing import compute_if
from schema.http.content_encoding import ENCODERS
from schema.http.large_body import PIECE_BYTES, LargeBody, Parts, size_of
from schema.json_encoding import encode
from schema.lru_cache import caches_hit
from schema.tracing import span

COMPRESS_FROM_BYTES = 500
COMPRESS_IN_THREAD_FROM_BYTES = 1 << 18
REFUSED = re.compile(r"q=0(\.0*)?")  # of an encoding
PLAIN_ERRORS = (BodyTooLarge, EncodedBody)
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
CHECK_SECONDS = 1.0  # between two checks whether the client of a stream may still read it

logger = logging.getLogger("eventide.web")


def error_response(call: Call, error: EventsError) -> web.Response:
    """Turn an error into a response: the only place where that is done.

    Texts of the server's own faults are logged.
    """
    if not isinstance(error, RequestError):
        logger.error("%s: %s", call.name, error, exc_info=not isinstance(error, Unavailable))
    is_unread = isinstance(error, PLAIN_ERRORS)
    if is_unread and not call.dialect:
        response = web.Response(status=error.code, text=str(error))
    else:
        body, status = b"".join(call.envelope(b"{}", error)), call.status(error)
        response = web.Response(status=status, body=body, content_type="application/json")
    if is_unread:
        response.force_close()
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


async def enveloped(call: Call, request: web.Request, answer: Answer | Reply) -> web.Response:
    """Return the response of an answer, in its envelope (API contract 1.6), compressed as the client accepts it."""
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    response = web.Response(content_type="application/json")
    with span("encode answer"):
        parts = call.envelope(await encode(reply.data) if reply.raw_data is None else reply.raw_data)
        content = await _compressed(parts, request, response)
    response.body = b"".join(content) if size_of(content) <= PIECE_BYTES else LargeBody(content)
    for name, cookie in reply.cookies.items():
        set_cookie(response, name, cookie, is_secure=is_https(request))
    return response


def set_cookie(response: web.Response, name: str, cookie: Cookie | None, *, is_secure: bool, path: str = "/") -> None:
    """Set a cookie that no script reads; None: remove it."""
    if cookie is None:
        response.del_cookie(name, path=path, secure=is_secure, httponly=True, samesite="Lax")
    else:
        response.set_cookie(
            name,
            cookie.value,
            max_age=cookie.max_age_seconds,
            path=path,
            secure=is_secure,
            httponly=True,
            samesite="Lax",
        )


def is_https(request: web.Request) -> bool:
    """Tell whether the browser speaks HTTPS, to this process or to a proxy before it.

    A client that claims so wrongly gets a cookie that it will not send, which harms nobody else.
    """
    return request.secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower() == "https"


async def _compressed(body: Parts, request: web.Request, response: web.Response) -> Parts:
    """Compress a body of COMPRESS_FROM_BYTES or more as the client accepts it."""
    size = size_of(body)
    if size < COMPRESS_FROM_BYTES:
        return body
    accepted = request.headers.get("Accept-Encoding", "")
    encoding = next((name for name in ENCODERS if name in _named(accepted)), None)
    if encoding is None:
        return body
    response.headers["Content-Encoding"] = encoding
    return await compute_if(size >= COMPRESS_IN_THREAD_FROM_BYTES, ENCODERS[encoding], body)


@lru_cache(100)
def _named(accepted: str) -> frozenset[str]:
    """Return the encodings that an Accept-Encoding header names and does not refuse."""
    parts = [part.replace(" ", "").partition(";") for part in accepted.split(",")]
    return frozenset(name for name, _, weight in parts if not REFUSED.fullmatch(weight))


async def streamed(request: web.Request, stream: Stream, check: Callable[[], Awaitable[None]]) -> web.StreamResponse:
    """Send the chunks of a stream until it ends or its client leaves.

    It also ends when ``check`` raises that the client may not read it any more.
    """
    response = web.StreamResponse(headers=stream.headers)
    checked_at = time.monotonic()
    try:
        await response.prepare(request)
        async for chunk in stream.chunks:
            if time.monotonic() - checked_at > CHECK_SECONDS:
                await check()
                checked_at = time.monotonic()
            await response.write(chunk)
        await response.write_eof()
    except ConnectionError:
        logger.debug("the client left before the end of a stream")
    except (RequestError, Unavailable) as error:
        logger.info("a stream is cut: %s", error)
        if request.transport:
            request.transport.close()  # without an end, so that nobody takes half a file for a whole one
    finally:
        stream.ended()
    return response


async def add_common_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every response has: unless it says otherwise, it is not to be shown or kept."""
    headers = response.headers
    headers["Server"] = "clearml"
    for name, value in SAFE_HEADERS.items():
        if name not in headers:
            headers[name] = value
    if hits := caches_hit.get():
        headers["X-Eventide-Cache"] = ", ".join(sorted(hits))
    caches_hit.set(None)  # the next request of a connection has the same context
    response.headers["Vary"] = "Accept-Encoding, Origin"
    if "X-Clearml-Client" in request.headers:
        close_connection(response)  # the SDK shares its sockets with the reporter that it forks


def close_connection(response: web.StreamResponse) -> None:
    """End the connection after this response, and say so in its headers, which must not have been sent yet."""
    response.force_close()
    response.headers["Connection"] = "close"
