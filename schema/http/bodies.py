"""What a request carries, from its body, its query string and its form; and room for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

from aiohttp import StreamReader, web

from schema.api.requests import ARROW_STREAM, JSON_LINES, EventBatch, Request, media_type, merge_pairs, parse_json
from schema.api.wire import Endpoint
from schema.errors import BodyTooLarge, ClientGone, InvalidField, MalformedRequest, Unavailable

URLENCODED = "application/x-www-form-urlencoded"
FORMS = (URLENCODED, "multipart/form-data")
BODY_SECONDS = 300


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


async def read_parameters(request: web.Request, endpoint: Endpoint) -> Request:
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
