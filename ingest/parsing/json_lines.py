"""Json lines -> a batch (API contract 1.4). The fast path decodes all lines at once into structs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import UNSET, UnsetType

from ingest.parsing.batch import Batch, entities, read_events
from ingest.parsing.fast_path import NotOnFastPath, constant, ordinary_rows, repeated
from schema.api.json_count import has_more_values
from schema.api.json_limits import MAX_EVENT_VALUES, check_json_limits, check_values
from schema.errors import BodyTooLarge, EmptyBatch, MalformedRequest
from schema.events.normalize import Mention, ParseContext
from schema.events.rows import Rows
from schema.events.tables import COMMON, DEBUG_IMAGE, LOG, PLOT, SCALAR, TABLES

NEWLINE = re.compile(r"\r\n|\n|\r")
MAX_EVENTS = 2_000_000  # of a body
FEW_BYTES = 2000  # about ten events
NEWLINE_BYTE, OPENING, CLOSING = b"\n{}"

Named = tuple[str, bool, bool]
Values = dict[str, list[Any]]


def read_lines(body: bytes, context: ParseContext) -> Batch:
    """Return the batch of a json-lines body.

    Raises EmptyBatch (no line), MalformedRequest (a line that is no JSON object: API contract 1.4), InvalidField (one
    entity named in two ways: API contract 2.7) and BodyTooLarge. Refusals of single events are in the batch.
    """
    if not body:
        raise EmptyBatch("Batch has no events")
    _check_count(body)
    try:
        return _read_ordinary(body, context)
    except NotOnFastPath:
        return read_few_lines(body, context)


def read_body(body: bytes, context: ParseContext) -> Batch:
    """Return the batch like ``read_lines``, in whichever way takes less time: arrays have fixed costs."""
    return (read_few_lines if len(body) <= FEW_BYTES else read_lines)(body, context)


def read_few_lines(body: bytes, context: ParseContext) -> Batch:
    """Return the batch like ``read_lines``, line by line."""
    if not body:
        raise EmptyBatch("Batch has no events")
    return read_events(split_lines(body), context)


def split_lines(body: bytes) -> Iterator[dict[str, Any]]:
    """Return the JSON objects of json lines.

    Raises MalformedRequest for any line that is not one (API contract 1.4), BodyTooLarge for too many lines.
    """
    _check_count(body)
    try:
        lines = NEWLINE.split(body.decode())
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"Invalid UTF-8 at byte {error.start}") from error
    if not lines[-1]:
        lines.pop()  # a single terminator at the very end
    return map(_object, lines, count(1))


def _check_count(body: bytes) -> None:
    """Raise BodyTooLarge for a body of more than ``MAX_EVENTS`` lines."""
    if len(body) > MAX_EVENTS and body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n") > MAX_EVENTS:
        raise BodyTooLarge(f"A batch has at most {MAX_EVENTS} events")


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        check_values(line, MAX_EVENT_VALUES)
        value = LINE_DECODER.decode(line)
        check_json_limits(line, value)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"Line {number} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedRequest(f"Line {number} is not a JSON object")
    return value


def _finite(text: str) -> float:
    """Parse a number literal; the literals NaN and Infinity do not come here and are accepted."""
    if math.isinf(value := float(text)):
        raise ValueError("number out of range")
    return value


LINE_DECODER = json.JSONDecoder(parse_float=_finite)


# --- the fast path ----------------------------------------------------------------------------------------------------


class Ordinary(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="type"):
    """The fields of every type's lines as the SDK sends them; ``method`` is a stray field of its 2.x versions."""

    task: str
    timestamp: int | UnsetType = UNSET
    worker: str | UnsetType = UNSET
    allow_locked: bool = False
    model_event: bool = False
    method: str | UnsetType = UNSET


class OrdinaryScalar(Ordinary, gc=False, forbid_unknown_fields=True, tag_field="type", tag=SCALAR, kw_only=True):
    """A point of a curve."""

    iter: int
    value: float
    metric: str = ""
    variant: str = ""


class OrdinaryPlot(Ordinary, gc=False, forbid_unknown_fields=True, tag_field="type", tag=PLOT, kw_only=True):
    """A plot."""

    iter: int
    plot_str: str
    metric: str = ""
    variant: str = ""


class OrdinaryImage(Ordinary, gc=False, forbid_unknown_fields=True, tag_field="type", tag=DEBUG_IMAGE, kw_only=True):
    """A reference to an image."""

    iter: int
    url: str
    key: str | UnsetType = UNSET
    metric: str = ""
    variant: str = ""


class OrdinaryLog(Ordinary, gc=False, forbid_unknown_fields=True, tag_field="type", tag=LOG, kw_only=True):
    """A console line."""

    msg: str
    level: str | UnsetType = UNSET


KINDS: dict[str, type[Ordinary]] = {
    SCALAR: OrdinaryScalar,
    PLOT: OrdinaryPlot,
    DEBUG_IMAGE: OrdinaryImage,
    LOG: OrdinaryLog,
}
DECODER = msgspec.json.Decoder(OrdinaryScalar | OrdinaryPlot | OrdinaryImage | OrdinaryLog)


class Alike(NamedTuple):
    """Lines of one type. ``places``: the number of each in the body."""

    event_type: str
    events: Sequence[msgspec.Struct]
    places: npt.NDArray[np.int64]


def _read_ordinary(body: bytes, context: ParseContext) -> Batch:
    if context.validate_plots:
        raise NotOnFastPath
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotOnFastPath from error
    if sum(len(alike.events) for alike in found) != _count_objects(body):
        raise NotOnFastPath
    rows: dict[str, Rows] = {}
    named: set[Named] = set()
    for event_type, events, places in found:
        values = _values(events)
        rows[event_type] = ordinary_rows(event_type, _fields(event_type, values), places, context)
        named |= _named(values)
    return Batch(rows, entities(Mention(*mention) for mention in named))


def _decode(body: bytes) -> list[Alike]:
    """Decode all lines.

    Most bodies are of one type, with the same fields throughout: these take a fifth less in all that follows.
    """
    line = body[: body.find(b"\n") + 1 or None]
    if has_more_values(line, MAX_EVENT_VALUES):
        raise msgspec.ValidationError("Not an ordinary event")
    first = msgspec.json.decode(line, type=dict[str, Any])
    try:
        events = _decoder(str(first.get("type")), frozenset(first)).decode_lines(body)
    except msgspec.ValidationError:
        return _by_type(DECODER.decode_lines(body))
    return [Alike(first["type"], events, np.arange(len(events)))]


@lru_cache(256)
def _decoder(event_type: str, names: frozenset[str]) -> msgspec.json.Decoder[msgspec.Struct]:
    """Return a decoder of lines that have these fields and no others.

    Raises ValidationError if they are not those of ordinary events.
    """
    known = msgspec.structs.fields(KINDS[event_type]) if event_type in KINDS else ()
    fields = [(field.name, field.type) for field in known if field.name in names or field.required]
    if not fields or len(fields) != len(names) - 1:  # without the type
        raise msgspec.ValidationError(f"Not an ordinary {event_type}")
    options: dict[str, Any] = {"gc": False, "forbid_unknown_fields": True, "tag_field": "type", "tag": event_type}
    return msgspec.json.Decoder(msgspec.defstruct("Line", fields, **options))


def _by_type(events: Sequence[Ordinary]) -> list[Alike]:
    kinds = list(map(type, events))
    names = [name for name, kind in KINDS.items() if kind in kinds]
    by_type = {name: [place for place, found in enumerate(kinds) if found is KINDS[name]] for name in names}
    return [Alike(name, [events[i] for i in places], np.array(places)) for name, places in by_type.items()]


def _count_objects(body: bytes) -> int:
    """Count the lines of a body in which every line begins with ``{`` and ends with ``}``; -1 for any other body.

    The decoder is lax about where one document ends and the next begins. If it found as many objects as there are
    lines, and every line break stands between braces, then each line is exactly one object: a break inside an object
    would need an object or array of objects as a value, which no struct has.
    """
    data = np.frombuffer(body, np.uint8)
    if data[-1] == NEWLINE_BYTE:
        data = data[:-1]
    breaks = np.flatnonzero(data == NEWLINE_BYTE)
    if not len(data) or data[0] != OPENING or data[-1] != CLOSING:
        return -1
    if not ((data[breaks - 1] == CLOSING) & (data[breaks + 1] == OPENING)).all():
        return -1
    return len(breaks) + 1


def _values(events: Sequence[msgspec.Struct]) -> Values:
    """Return the values of each field of the structs: to take all of a struct at once is faster than one by one."""
    names = events[0].__struct_fields__
    flat = list(chain.from_iterable(map(msgspec.structs.astuple, events)))
    return {name: flat[place :: len(names)] for place, name in enumerate(names)}


def _named(values: Values) -> set[Named]:
    """Return how the events name their entities: (id, model_event, allow_locked)."""
    tasks, *flags = values["task"], values.get("model_event", []), values.get("allow_locked", [])
    if any(True in flag for flag in flags):
        return set(zip(tasks, *(flag or [False] * len(tasks) for flag in flags), strict=True))
    return {(task, False, False) for task in set(tasks)}


def _fields(event_type: str, values: Values) -> dict[str, pa.Array]:
    """Return the fields as arrays, null where a line lacks one."""
    types = COMMON | TABLES[event_type].fields
    none = constant(False, pa.bool_(), len(values["task"]))
    given = {name: _array(of, types.get(name, pa.string())) for name, of in values.items() if name != "allow_locked"}
    return {"model_event": none} | given


def _array(values: list[Any], data_type: pa.DataType) -> pa.Array:
    try:
        if data_type != pa.float64() and values == values[:1] * len(values):  # 0.0 == -0.0
            return repeated(None if values[0] is UNSET else values[0], data_type, len(values))
        return pa.array(values, data_type)
    except OverflowError as error:  # an integer beyond 64 bits
        raise NotOnFastPath from error
    except pa.ArrowException:
        return pa.array([None if value is UNSET else value for value in values], data_type)
