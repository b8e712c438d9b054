"""Bodies of requests: the same parameters in every format that is taken, some that are not, and damaged ones."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa

from schema.api.requests import ARROW_STREAM, JSON_LINES
from tests.fuzz import arrow
from tests.fuzz.values import Parameters

BOUNDARY = "b0undary"
ARROW_SEEDS = tuple(arrow.seeds())


@dataclass(frozen=True)
class Body:
    """The bytes of a body, and the headers that describe it. ``query``: a query string in its place, or beside it."""

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


def as_json(source: random.Random, parameters: Parameters) -> Body:
    """Return a JSON document."""
    encoding = source.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig", "latin-1"))
    text = json.dumps(parameters, ensure_ascii=source.random() < 0.5)
    return Body(text.encode(encoding, "replace"), {"Content-Type": "application/json"})


def as_json_lines(source: random.Random, parameters: Parameters) -> Body:
    """Return lines of JSON, one of which are the parameters."""
    lines = [json.dumps(parameters)] * source.randrange(1, 4) + source.sample(["", "{}", "[]", "null", "{", "1"], 2)
    source.shuffle(lines)
    content = source.choice(("\n", "\r\n", "\n\n")).join(lines).encode()
    return Body(content, {"Content-Type": JSON_LINES})


def as_form(source: random.Random, parameters: Parameters) -> Body:
    """Return an urlencoded form, in the body."""
    charset = source.choice(("", "", "; charset=utf-8", "; charset=latin-1", "; charset=utf-16", "; charset=none"))
    content = urlencode(list(_pairs(parameters)), errors="replace").encode()
    return Body(content, {"Content-Type": f"application/x-www-form-urlencoded{charset}"})


def as_query(source: random.Random, parameters: Parameters) -> Body:
    """Return an urlencoded form, in the query string."""
    return Body(b"", query=urlencode(list(_pairs(parameters)), errors="replace")[: source.choice((7000, 200))])


def as_multipart(source: random.Random, parameters: Parameters) -> Body:
    """Return a multipart form."""
    names = (("name", ""), ("name", '"; filename="../x'), ("name", "\r\nX: y"))
    parts = [*_pairs(parameters), *source.sample(names, 1)]
    made = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    ]
    text = "".join(made) + f"--{BOUNDARY}--\r\n"
    return Body(text.encode("utf-8", "replace"), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


def as_arrow(source: random.Random, parameters: Parameters) -> Body:
    """Return an Arrow stream of the parameters as columns if they have types, or of others; mostly damaged."""
    try:
        made = arrow.stream_of(pa.Table.from_pylist([parameters] * 3), source.choice((None, "lz4", "zstd")), 2)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError, ValueError, TypeError):
        made = source.choice(ARROW_SEEDS)
    content = made if source.random() < 0.4 else arrow.mutated(source, made)
    return Body(content, {"Content-Type": ARROW_STREAM})


FORMATS: tuple[Callable[[random.Random, Parameters], Body], ...] = (
    *(as_json, as_json, as_json, as_json),
    *(as_json_lines, as_form, as_query, as_multipart, as_arrow),
)


def body_of(source: random.Random, parameters: Parameters, is_batch: bool) -> Body:
    """Return parameters as a body of a random format, sometimes compressed or damaged."""
    formats = (as_json_lines, as_json_lines, as_arrow, as_arrow, as_json) if is_batch else FORMATS
    return _damaged(source, _compressed(source, source.choice(formats)(source, parameters)))


def _compressed(source: random.Random, body: Body) -> Body:
    """Compress one in ten: with the header that says so, with another, or with none."""
    if source.random() > 0.1:
        return body
    content = source.choice((gzip.compress, zlib.compress))(body.content)
    named = source.choice(({"Content-Encoding": "gzip"}, {"Content-Encoding": "deflate, gzip"}, {}))
    return Body(content, body.headers | named, body.query)


def _damaged(source: random.Random, body: Body) -> Body:
    """Change a few bytes of one in ten, or say that it is something else."""
    if source.random() < 0.05:
        return Body(arrow.mutated(source, body.content), body.headers, body.query)
    if source.random() < 0.05:
        types = ("text/plain", "application/octet-stream", JSON_LINES, ARROW_STREAM, "multipart/form-data", "\xff/")
        return Body(body.content, body.headers | {"Content-Type": source.choice(types)}, body.query)
    return body


def _pairs(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the pairs of a form: dots nest, and lists are names that repeat."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and len(value) < 1000:
        for inner in value:
            yield name, json.dumps(inner) if isinstance(inner, dict | list) else _text(inner)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if not isinstance(value, list) else ""
