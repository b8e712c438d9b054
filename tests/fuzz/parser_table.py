"""Everything that reads bytes of strangers, as functions of bytes that refuse or return, and examples for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from ingest.parsing.arrow_stream import read_columns
from ingest.parsing.json_lines import read_few_lines, read_lines
from query.pagination.cursor import Cursors
from schema.api.requests import merge_pairs, parse_json
from schema.api.wire import Call, Caller
from schema.errors import RecordError, RequestError
from schema.events.blocks import decode
from schema.events.normalize import ParseContext
from schema.events.tables import TABLES
from schema.http.auth import read_basic
from schema.http.client_address import Proxies
from schema.http.forms import read_urlencoded
from schema.http.origin_policy import OriginPolicy
from schema.http.tokens import Claims, Tokens
from tests.fuzz import arrow

CONTEXT = ParseContext(now_ms=1_700_000_000_000)
TOKENS, CURSORS = Tokens("k" * 32), Cursors("k" * 32)
CALLER = Caller("user", "company", "user")
PROXIES, ORIGINS = Proxies("10.0.0.0/8"), OriginPolicy()
LINES = b'{"type":"training_stats_scalar","task":"t","iter":1,"metric":"m","variant":"v","value":0.5}\n{"type":"log"}'
HEADERS = {"schema": b"1", "epoch": b"1", "received_at": b"1", "company": b"c"}

Parser = Callable[[bytes], object]


def read_record(body: bytes) -> None:
    """Read a record of each kind: what is on Kafka may be older, newer, or nobody's."""
    for kind in (*TABLES, "deletion"):
        with suppress(RecordError):
            decode(HEADERS | {"kind": kind.encode()}, body, 0, 0)


def read_both_ways(body: bytes) -> None:
    """Read lines on the fast path and line by line."""
    for read in (read_lines, read_few_lines):
        with suppress(RequestError):
            read(body, CONTEXT)


PARSERS: tuple[Parser, ...] = (
    parse_json,
    read_both_ways,
    lambda body: read_columns(body, CONTEXT),
    lambda body: merge_pairs({}, read_urlencoded(body, "utf-8")),
    lambda body: Call().parse(_text(body)),
    lambda body: read_basic(_text(body)),
    lambda body: TOKENS.read(_text(body)),
    lambda body: CURSORS.read(_text(body), "events.plots", CALLER, ["t"]),
    lambda body: PROXIES.client("10.0.0.1", {"X-Forwarded-For": _text(body)}),
    lambda body: ORIGINS.check_host(_text(body)),
    read_record,
)


def parse(data: bytes) -> None:
    """Hand bytes to the parser that the first of them chooses. Raises what no parser may raise."""
    if data:
        with suppress(RequestError):
            PARSERS[data[0] % len(PARSERS)](data[1:])


def examples() -> Iterator[bytes]:
    """Yield bytes that parsers take."""
    token = TOKENS.make(Claims("s", 2**31), 1, {"user": "u"}, "full").encode()
    cursor = CURSORS.make("events.plots", CALLER, ["t"], {"a": [1]}).encode()
    bodies = (b'{"task": "t", "n": [1, 2.5e3, null, "\\ud83d\\ude00"]}', LINES, b"", b"a.b=1&c[]=2&c[]=%C3%A9")
    texts = (b"/api/v2.34/events.add_batch", b"a2V5OnNlY3JldA==", token, cursor, b"6.6.6.6, 10.0.0.2", b"[::1]:8008")
    for number, body in enumerate((*bodies, *texts)):
        yield bytes([number]) + body
    for body in arrow.seeds():
        yield bytes([2]) + body
        yield bytes([len(PARSERS) - 1]) + body


def _text(body: bytes) -> str:
    """Return a header's or path's text, as aiohttp makes it."""
    return body.decode("utf-8", "surrogateescape")
