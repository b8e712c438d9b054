"""Parameters of a request from its body, query string and form, within what its caller may send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce

from aiohttp import ClientError, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from schema.api.json_limits import MAX_EVENT_VALUES
from schema.api.requests import (
    ARROW_STREAM,
    JSON_LINES,
    Request,
    check_items,
    media_type,
    merge_pairs,
    merge_texts,
    parse_json,
)
from schema.api.wire import Access, Endpoint
from schema.errors import BodyTooLarge, ClientGone, EncodedBody, InvalidField, MalformedRequest
from schema.fairness.computing import compute_if
from schema.http.body_memory import Reservation
from schema.http.forms import MAX_FORM_BYTES, MULTIPART, URLENCODED, Pairs, read_multipart, read_urlencoded

MAX_OPEN_BYTES = 16 << 10  # of a body that is read before its caller is known
MAX_JSON_BYTES = 32 << 20  # of a document; batches of events have a limit of their own
REST_SECONDS = 1.0
READ_IN_THREAD_FROM_BYTES = 1 << 16
GRACE_SECONDS = 30.0  # without a minimum rate: a client may read a file or wait for a slow link's first bytes


async def receive_rest(request: web.Request) -> bool:
    """Receive what a refused request has left of a small body; tell whether the body was received whole.

    A proxy that passes bodies on as they come (nginx without buffering) closes its client's connection without a word
    if the answer comes first, and the client's next request fails.
    """
    if not request.content.is_eof() and 0 < (request.content_length or 0) <= MAX_OPEN_BYTES:
        with suppress(TimeoutError, ConnectionError, ClientError, HttpProcessingError):
            async with asyncio.timeout(REST_SECONDS):
                await request.content.read()
    return request.content.is_eof()


@dataclass(frozen=True)
class Limits:
    """Limits of bodies: of a process at once, and of one client.

    ``body_bytes``: of one body. ``inflight_bytes``: of all bodies. ``body_seconds``: until a body is there.
    ``body_rate``: bytes per second that a body must arrive with, after the first ``GRACE_SECONDS``.
    """

    body_bytes: int
    inflight_bytes: int
    body_seconds: float = 900.0
    body_rate: int = 1024


@dataclass(frozen=True)
class Incoming:
    """A request whose caller is known, and what of its body may be read."""

    request: web.Request
    endpoint: Endpoint
    limits: Limits
    reservation: Reservation
    path_parameters: Mapping[str, str] = field(default_factory=dict)  # that the path itself names


def check_encoding(request: web.Request) -> None:
    """Raise EncodedBody for a body that is said to be encoded.

    Any non-empty value counts, even ``identity``.
    """
    if any(request.headers.getall("Content-Encoding", ())):
        raise EncodedBody("Content-Encoding is not supported")


async def receive_body(incoming: Incoming) -> bytes:
    """Receive the whole body. Raises RequestError, and Unavailable if the memory for bodies is taken."""
    limit = _limit_of(incoming, media_type(incoming.request.headers.get("Content-Type")))
    if (incoming.request.content_length or 0) > limit:
        raise BodyTooLarge(f"The body exceeds {limit} bytes")
    try:
        return await _received(incoming, limit)
    except TimeoutError as error:
        raise MalformedRequest("The body did not arrive in time") from error
    except ConnectionError as error:
        raise ClientGone("The client left before the end of the body") from error


async def read_parameters(incoming: Incoming, body: bytes) -> Request:
    """Read the endpoint's request from body, query string and form. Raises RequestError."""
    request, endpoint = incoming.request, incoming.endpoint
    content_type = media_type(request.headers.get("Content-Type"))
    if content_type in (JSON_LINES, ARROW_STREAM):
        if not endpoint.is_batch:
            raise InvalidField(f"{endpoint.name} does not take {content_type}")
        return endpoint.request.model_validate({"body": body, "media_type": content_type})
    if endpoint.request.takes_body:
        if content_type in MAX_FORM_BYTES:
            raise InvalidField(f"{endpoint.name} does not take {content_type}")
        return endpoint.request.model_validate({"body": body})
    pairs = [*request.query.items(), *incoming.path_parameters.items()]
    if content_type == MULTIPART:
        return _parameters_of(endpoint, b"", pairs, await read_multipart(request, body))
    charset = (request.charset or "utf-8") if content_type == URLENCODED else ""
    is_large = len(body) >= READ_IN_THREAD_FROM_BYTES
    return await compute_if(is_large, _read_document, endpoint, body, pairs, charset)


def _limit_of(incoming: Incoming, content_type: str) -> int:
    """Return how many bytes this body may have."""
    limit = incoming.limits.body_bytes
    if incoming.endpoint.access is not Access.USERS:
        return min(limit, MAX_OPEN_BYTES)
    if incoming.endpoint.is_batch and content_type not in MAX_FORM_BYTES:
        return limit
    return min(limit, MAX_FORM_BYTES.get(content_type, MAX_JSON_BYTES))


def _read_document(endpoint: Endpoint, body: bytes, pairs: Pairs, charset: str) -> Request:
    """Read the request of a JSON document, or of an urlencoded form if a ``charset`` is given."""
    if charset:
        return _parameters_of(endpoint, b"", pairs, read_urlencoded(body, charset))
    return _parameters_of(endpoint, body, pairs)


def _parameters_of(endpoint: Endpoint, document: bytes, *groups: Pairs) -> Request:
    """Merge groups of pairs over a JSON document, each over those before, and return the request."""
    if endpoint.is_batch:
        event = reduce(merge_pairs, groups, parse_json(document, MAX_EVENT_VALUES))
        return endpoint.request.model_validate({"event": event})
    merge = merge_texts if endpoint.request.keeps_texts else merge_pairs
    parameters = reduce(merge, groups, parse_json(document))
    check_items(parameters, endpoint.request.max_items)
    return endpoint.request.read(parameters)


async def _received(incoming: Incoming, limit: int) -> bytes:
    """Receive the whole body, joined once: aiohttp's own ``read`` copies a large body several times while it grows."""
    content, reservation = incoming.request.content, incoming.reservation
    content.set_read_chunk_size(limit)
    chunks: list[bytes] = []
    size, started = 0, time.monotonic()
    while chunk := await _next_chunk(incoming.limits, content, size, started):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"The body exceeds {limit} bytes")
        reservation.add(len(chunk))
    return b"".join(chunks)


async def _next_chunk(limits: Limits, content: StreamReader, size: int, started: float) -> bytes:
    """Receive the next part of a body of which ``size`` bytes are there. Raises TimeoutError if it comes too slowly."""
    if content.is_eof():  # it has arrived already
        return await content.readany()
    allowed = min(limits.body_seconds, GRACE_SECONDS + size / limits.body_rate)
    left = started + allowed - time.monotonic()
    if left <= 0:
        raise TimeoutError
    async with asyncio.timeout(left):
        return await content.readany()
