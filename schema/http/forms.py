"""Forms -> pairs of texts: urlencoded ones, and ``multipart/form-data`` without files."""

from __future__ import annotations

import codecs
import warnings
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from aiohttp import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    BodyPartReader,
    MultipartReader,
    StreamReader,
    web,
)
from aiohttp.http_exceptions import HttpProcessingError

from schema.errors import BodyTooLarge, MalformedRequest

Pairs = list[tuple[str, str]]

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_FORM_BYTES = {URLENCODED: 1 << 20, MULTIPART: 1 << 16}  # a part is read line by line, on the event loop
MAX_FIELDS = 1000
# What browsers and programs write forms in. Python knows more, some of which take minutes for a megabyte (punycode).
CHARSETS = frozenset(("utf-8", "ascii", "iso8859-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"))
# what aiohttp raises for parts that are none; RecursionError, of parts within parts, is a RuntimeError
BAD_PARTS = (ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError)


def ignore_odd_names() -> None:
    """Keep aiohttp from warning of every odd name of a form's field: who sends them would write the log."""
    for category in (BadContentDispositionHeader, BadContentDispositionParam):
        warnings.simplefilter("ignore", category)


def read_urlencoded(body: bytes, charset: str) -> Pairs:
    """Return the pairs of an urlencoded form.

    Raises MalformedRequest, also for more than ``MAX_FIELDS`` fields.
    """
    try:
        check_charset(charset)
        return parse_qsl(body.decode(charset), True, encoding=charset, errors="strict", max_num_fields=MAX_FIELDS)
    except (ValueError, LookupError) as error:
        raise MalformedRequest(f"Invalid form: {error}") from error


def check_charset(name: str) -> None:
    """Raise ValueError for an encoding that no form has, and LookupError for a name of none."""
    if codecs.lookup(name).name not in CHARSETS:
        raise ValueError(f"charset: one of {', '.join(sorted(CHARSETS))} is expected")


async def read_multipart(request: web.Request, body: bytes) -> Pairs:
    """Return the texts of a form in parts, without its files. Raises MalformedRequest and BodyTooLarge."""
    content = StreamReader(request.protocol, len(body) + 1)
    content.feed_data(body)
    content.feed_eof()
    try:
        parts = MultipartReader(request.headers, content)
        return [pair async for pair in _texts(parts)]
    except BAD_PARTS as error:
        raise MalformedRequest(f"Invalid form: {error}") from error


async def _texts(parts: MultipartReader) -> AsyncIterator[tuple[str, str]]:
    count = 0
    async for part in parts:
        count += 1
        if count > MAX_FIELDS:
            raise BodyTooLarge(f"A form has at most {MAX_FIELDS} fields")
        if isinstance(part, BodyPartReader) and part.name and not part.filename:
            charset = part.get_charset("utf-8")
            check_charset(charset)
            yield part.name, (await part.read()).decode(charset)
