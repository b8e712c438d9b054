"""A request's json lines -> columns by event type, and errors counted by reason.

Two paths give the same answer. The fast path decodes all lines at once into typed structs and turns those into Arrow
columns; it takes only batches in which every line is an ordinary event. Whatever is unusual (an unknown field, a null,
a float where an integer belongs, a malformed line) makes it give way to the exact path, which reads line by line.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, UnsetType

from schema.errors import EmptyBatch, InvalidField, MalformedRequest
from schema.events import EXACT_INTEGER_LIMIT, NAME_LIMIT_BYTES, Context, Event, Mention, normalise, source_urls
from schema.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR, TABLES

NEWLINE = re.compile(r"\r\n|\n|\r")
NEWLINE_BYTE, OPENING, CLOSING = b"\n{}"


@dataclass
class Batch:
    """What one request brings.

    ``columns``: the accepted events, a record batch (``Table.block_schema``) for each event type. ``entities``: how
    each entity id is named. ``failures``: the refused events, as (entity id or None, reason).
    """

    columns: dict[str, pa.RecordBatch] = field(default_factory=dict)
    entities: dict[str, Mention] = field(default_factory=dict)
    failures: list[tuple[str | None, str]] = field(default_factory=list)

    def refuse(self, reasons: dict[str, str]) -> Counter[str]:
        """Drop the events of the entities in ``reasons``; every failed event of the batch, counted by reason.

        An entity's own reason wins over what else is wrong with its events (section 2.7).
        """
        counts = Counter(reasons.get(entity or "", reason) for entity, reason in self.failures)
        if reasons:
            refused = pa.array(reasons, pa.string())
            for event_type, rows in list(self.columns.items()):
                dropped = pc.is_in(rows["task"], refused)
                counts.update(reasons[task] for task in rows["task"].filter(dropped).to_pylist())
                self.columns[event_type] = rows.filter(pc.invert(dropped))
        return counts

    @property
    def event_count(self) -> int:
        """Accepted events."""
        return sum(rows.num_rows for rows in self.columns.values())


def read_lines(body: bytes, context: Context) -> Batch:
    """The batch of a json-lines body.

    Raises EmptyBatch (no line), MalformedRequest (any line that is not a JSON object: section 1.4) and InvalidField
    (one entity named in two ways: section 2.7). Errors of single events are in the batch.
    """
    if not body:
        raise EmptyBatch("Batch has no events")
    try:
        return _read_ordinary(body, context)
    except Unusual:
        return read_events(split_lines(body), context)


def read_events(lines: Iterable[dict[str, Any]], context: Context) -> Batch:
    """The batch of parsed JSON objects: the exact path. Raises InvalidField (one entity named in two ways)."""
    events = [normalise(line, place, context) for place, line in enumerate(lines)]
    batch = Batch(entities=_entities(event.mention for event in events if event.mention))
    rows: dict[str, list[Event]] = {}
    for event in events:
        if event.refusal:
            batch.failures.append((event.mention.id if event.mention else None, event.refusal))
        else:
            rows.setdefault(event.type, []).append(event)
    batch.columns = {event_type: _record_batch(event_type, accepted) for event_type, accepted in rows.items()}
    return batch


def split_lines(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of json lines. Raises MalformedRequest for any line that is not one (section 1.4)."""
    try:
        lines = NEWLINE.split(body.decode())
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"Invalid UTF-8 at byte {error.start}") from error
    if not lines[-1]:
        lines.pop()  # a single terminator at the very end
    return [_object(line, number) for number, line in enumerate(lines, 1)]


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line, parse_float=_finite)
        if "\\ud" in line or "\\uD" in line:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"Line {number} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedRequest(f"Line {number} is not a JSON object")
    return value


def _finite(text: str) -> float:
    """A number literal; the NaN and Infinity literals do not come here and are accepted."""
    if math.isinf(value := float(text)):
        raise ValueError("number out of range")
    return value


def _entities(mentions: Iterable[Mention]) -> dict[str, Mention]:
    entities: dict[str, Mention] = {}
    for mention in dict.fromkeys(mentions):
        if entities.setdefault(mention.id, mention) != mention:
            raise InvalidField(f"Inconsistent model_event or allow_locked for {mention.id}")
    return entities


def _record_batch(event_type: str, events: Sequence[Event]) -> pa.RecordBatch:
    schema = TABLES[event_type].block_schema
    arrays = [pa.array([event.row[name] for event in events], schema.field(name).type) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


# --- the fast path ----------------------------------------------------------------------------------------------------


class Unusual(Exception):
    """This batch needs the exact path."""


class Ordinary(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="type"):
    """What the lines of every type carry as the SDK sends them; ``method`` is a stray field of its 2.x versions."""

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


DECODER = msgspec.json.Decoder(OrdinaryScalar | OrdinaryPlot | OrdinaryImage | OrdinaryLog)
Columns = dict[str, Any]


def _read_ordinary(body: bytes, context: Context) -> Batch:
    if context.validate_plots:
        raise Unusual
    try:
        events = DECODER.decode_lines(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unusual from error
    if len(events) != _count_objects(body):
        raise Unusual
    mentions = {(event.task, event.model_event, event.allow_locked) for event in events}
    batch = Batch(entities=_entities(Mention(*mention) for mention in mentions))
    for kind, places in _by_kind(events).items():
        batch.columns[TAGS[kind]] = _ordinary_rows(kind, [events[place] for place in places], places, context)
    return batch


def _count_objects(body: bytes) -> int:
    """Lines of a body in which every line begins with ``{`` and ends with ``}``; -1 of any other.

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


def _by_kind(events: list[Any]) -> dict[type[Ordinary], Sequence[int]]:
    kinds = list(map(type, events))
    distinct = set(kinds)
    if len(distinct) == 1:
        return {distinct.pop(): range(len(events))}
    return {kind: [place for place, found in enumerate(kinds) if found is kind] for kind in distinct}


def _ordinary_rows(kind: type[Ordinary], events: list[Any], places: Sequence[int], context: Context) -> pa.RecordBatch:
    columns = _ordinary_common(kind, events, context) | ORDINARY_FIELDS[kind](events)
    if kind is OrdinaryLog:
        columns |= _ordinary_line_identity(events, places, context)
    schema = TABLES[TAGS[kind]].block_schema
    try:
        arrays = [_array(columns[name], schema.field(name).type, len(events)) for name in schema.names]
    except OverflowError as error:  # an integer beyond 64 bits
        raise Unusual from error
    rows = pa.RecordBatch.from_arrays(arrays, schema=schema)
    _check(rows)
    return rows


def _ordinary_common(kind: type[Ordinary], events: list[Any], context: Context) -> Columns:
    columns: Columns = {}
    for name in ("task", "model_event", "timestamp", "worker"):
        columns[name] = list(map(attrgetter(name), events))
    columns["timestamp"] = _default(columns["timestamp"], context.now_ms)
    columns["worker"] = _default(columns["worker"], context.worker)
    if kind is OrdinaryLog and any(columns["model_event"]):
        raise Unusual
    names = ("metric", "variant", "iter") if kind is not OrdinaryLog else ()
    columns |= {"metric": "", "variant": "", "iter": 0} | {n: list(map(attrgetter(n), events)) for n in names}
    return columns | {"has_iter": bool(names), "discriminator": "" if names else "a", "extras": _methods(events)}


def _methods(events: list[Any]) -> str:
    """The extras: nothing, or the same stray ``method`` on every line."""
    methods = set(map(attrgetter("method"), events))
    if len(methods) > 1:
        raise Unusual
    method = methods.pop()
    return "" if method is UNSET else json.dumps({"method": method}, ensure_ascii=False, separators=(",", ":"))


def _default(values: list[Any], default: Any) -> list[Any]:
    return [default if value is UNSET else value for value in values] if UNSET in values else values


def _scalar_columns(events: list[Any]) -> Columns:
    return {"value": list(map(attrgetter("value"), events)), "x_axis_label": None}


def _plot_columns(events: list[Any]) -> Columns:
    plots = list(map(attrgetter("plot_str"), events))
    return {"plot_str": plots, "source_urls": list(map(source_urls, plots)), "valid_plot": None}


def _image_columns(events: list[Any]) -> Columns:
    keys = ["" if e.key is UNSET else "k" + json.dumps(e.key, ensure_ascii=False) for e in events]
    return {"url": list(map(attrgetter("url"), events)), "discriminator": keys}


def _log_columns(events: list[Any]) -> Columns:
    levels = [None if event.level is UNSET else event.level for event in events]
    return {"level": levels, "msg": list(map(attrgetter("msg"), events))}


def _ordinary_line_identity(events: list[Any], places: Sequence[int], context: Context) -> Columns:
    ids = [context.fresh_id if event.timestamp is UNSET else context.batch_id for event in events]
    return {"batch_id": ids, "line": list(places)}


ORDINARY_FIELDS: dict[type[Ordinary], Callable[[list[Any]], Columns]] = {
    OrdinaryScalar: _scalar_columns,
    OrdinaryPlot: _plot_columns,
    OrdinaryImage: _image_columns,
    OrdinaryLog: _log_columns,
}
TAGS: dict[type[Ordinary], str] = {
    OrdinaryScalar: SCALAR,
    OrdinaryPlot: PLOT,
    OrdinaryImage: DEBUG_IMAGE,
    OrdinaryLog: LOG,
}


def _array(values: Any, data_type: pa.DataType, length: int) -> pa.Array:
    """A list as it is, anything else repeated."""
    if isinstance(values, list):
        return pa.array(values, data_type)
    return pa.nulls(length, data_type) if values is None else pa.repeat(pa.scalar(values, data_type), length)


def _check(rows: pa.RecordBatch) -> None:
    """What the structs cannot express: bounds of values, timestamps and names."""
    if "value" in rows.schema.names and pc.max(pc.abs(rows["value"])).as_py() >= EXACT_INTEGER_LIMIT:
        raise Unusual
    if pc.max(rows["timestamp"]).as_py() == 2**63 - 1:
        raise Unusual
    if any(pc.max(pc.binary_length(rows[name])).as_py() > NAME_LIMIT_BYTES for name in ("metric", "variant")):
        raise Unusual
